"""How do files come from a server, many at a time? Within limits, again and again, on from where they broke off."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from rustybt.data.bundles.extras import needed
from rustybt.data.bundles.part_file import Expected, Incomplete, PartFile, TooLarge
from rustybt.data.bundles.progress import tracked
from rustybt.data.bundles.turns import Turns, retry_after_s
from rustybt.data.bundles.url_template import SCHEMES, Wanted
from rustybt.errors import DownloadFailed, InvalidParameter

if TYPE_CHECKING:
    import httpx

MOST_FAILURES: Final = 10
"""After so many files that cannot be had, the rest is not asked for."""
MAX_REDIRECTS: Final = 5
MAX_BACKOFF_S: Final = 60.0
MAX_PAUSE_S: Final = 300.0
"""How long a server may let us wait."""
SLOWEST_BYTES_PER_S: Final = 100
"""What comes slower over some time-outs has stalled, though it drips."""
_PATIENCE: Final = 4
_AGAIN: Final = frozenset((408, 425, 429))
"""Statuses that may pass, beside those of 500 and more."""
_ENCODINGS: Final = frozenset(("", "identity", "gzip", "x-gzip"))
_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_WHAT_NOW: Final[Mapping[int, str]] = {
    401: "give the header or key that the server wants",
    403: "give the header or key that the server wants",
    404: "correct the symbol or the template, or leave the symbol out",
    410: "correct the symbol or the template, or leave the symbol out",
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How files are downloaded.

    Attributes
    ----------
    connections : int
        Files at a time, 1 to 64.
    rate : float or None
        Requests in a second, at most.
    retries : int
        How often a file is tried again, 0 to 100.
    read_timeout_s, connect_timeout_s : float
        How long to wait for the next bytes, and for a connection.
    max_bytes : int
        Of one file, packed or not.
    backoff_s : float
        Wait before the first retry, which doubles with each; a random half of it is left out.
    seed : int or None
        Of that randomness.
    """

    connections: int = 8
    rate: float | None = None
    retries: int = 5
    read_timeout_s: float = 30.0
    connect_timeout_s: float = 10.0
    max_bytes: int = 512 << 20
    backoff_s: float = 0.5
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name, least, most in (("connections", 1, 64), ("retries", 0, 100)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise InvalidParameter(f"{name} {value!r} is no whole number from {least} to {most}")
        rate = {} if self.rate is None else {"rate": self.rate}
        for name, value in {**rate, "timeout_s": self.read_timeout_s}.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0.001 <= value <= 1e6:
                raise InvalidParameter(f"{name} {value!r} is no number from 0.001 to 1,000,000")


def download(
    files: Sequence[Wanted], folder: Path, manner: Manner | None = None, show_progress: bool = False
) -> dict[str, Path]:
    """Download files.

    Parameters
    ----------
    files : sequence of Wanted
        One a symbol.
    folder : Path
        Where they go. Files that are there whole are not asked for again within a day; of those that broke off only the
        rest is, if the server has the same file still.
    manner : Manner, optional
        How.
    show_progress : bool
        Show a bar where standard error is a terminal.

    Returns
    -------
    dict of str to Path
        By symbol; the name ends in .csv, .csv.gz or .parquet as the first bytes of the file say.

    Raises
    ------
    DownloadFailed
        If a file cannot be had; the message names symbol, URL and status. The rest is downloaded and kept, up to
        `MOST_FAILURES` files that cannot.
    """
    needed("httpx", "http")
    manner = manner or Manner()
    folder.mkdir(parents=True, exist_ok=True)
    there = {one.symbol: path for one in files if (path := PartFile(folder, one).whole) is not None}
    missing = [one for one in files if one.symbol not in there]
    if not missing:
        return there
    turns, failures = Turns(manner.rate), dict[str, DownloadFailed]()
    with _client(manner) as client, ThreadPoolExecutor(manner.connections) as pool:
        started = {
            pool.submit(_Transfer(one, PartFile(folder, one), client, turns, manner, number).run): one.symbol
            for number, one in enumerate(missing)
        }
        try:
            for future in tracked(as_completed(started), "Downloading", show_progress, len(started)):
                try:
                    there[started[future]] = future.result()
                except DownloadFailed as error:
                    failures[started[future]] = error
                if len(failures) == MOST_FAILURES:
                    break
        finally:
            turns.stop()
            pool.shutdown(wait=False, cancel_futures=True)
    if failures:
        raise _failure(failures, len(there))
    return there


def _client(manner: Manner) -> httpx.Client:
    import httpx

    return httpx.Client(
        verify=_tls(),
        headers={"User-Agent": "rustybt", "Accept": "*/*", "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(manner.read_timeout_s, connect=manner.connect_timeout_s),
        limits=httpx.Limits(max_connections=manner.connections, max_keepalive_connections=manner.connections),
    )


@cache
def _tls() -> ssl.SSLContext:
    """Read the certificates that are trusted, which takes a tenth of a second, once."""
    import httpx

    return httpx.create_ssl_context()


def _failure(failures: Mapping[str, DownloadFailed], whole: int) -> DownloadFailed:
    first, *rest = sorted(failures)
    kept = f"; the {whole:,} files that came whole are kept for the next ingest" if whole else ""
    more = f"; {len(rest)} more failed: {', '.join(rest)}" if rest else ""
    return DownloadFailed(f"{failures[first]}{more}{kept}")


class _Broken(Exception):
    """An attempt that failed, and that may go well the next time."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _Transfer:
    """The download of one file."""

    def __init__(
        self, wanted: Wanted, part: PartFile, client: httpx.Client, turns: Turns, manner: Manner, number: int
    ) -> None:
        self._wanted, self._part, self._client = wanted, part, client
        self._turns, self._manner = turns, manner
        self._random = np.random.default_rng(None if manner.seed is None else [manner.seed, number])
        self._who = f"{wanted.symbol}: {wanted.shown}"

    def run(self) -> Path:
        """Try until the file is whole."""
        for attempt in range(self._manner.retries + 1):
            try:
                return self._part.finish(self._received(), self._manner.max_bytes)
            except (_Broken, Incomplete) as error:
                reason, wait_s = str(error), getattr(error, "wait_s", 0.0)
            except TooLarge as error:
                raise self._refused(str(error), "ingest a file that you trust from a folder") from error
            if attempt < self._manner.retries:
                self._turns.wait(max(wait_s, self._backoff_s(attempt)))
        tries = self._manner.retries + 1
        raise self._refused(f"failed {tries} time{'s' * (tries > 1)}, the last: {reason}", "ingest again later")

    def _backoff_s(self, attempt: int) -> float:
        longest: float = min(MAX_BACKOFF_S, self._manner.backoff_s * 2.0**attempt)
        return longest * float(self._random.uniform(0.5, 1.0))

    def _refused(self, what: str, what_now: str) -> DownloadFailed:
        return DownloadFailed(f"{self._who} {what}: {what_now}")

    def _received(self) -> bool:
        """Receive what is missing of the file, and say whether its end is sure."""
        import httpx

        size, said = self._part.held()
        if size and size == said.total:
            return True
        ask = {"Range": f"bytes={size}-", "If-Range": said.condition or ""} if size else {}
        try:
            with self._answer(ask) as response:
                total = self._accepted(response, size, said)
                self._stream(response)
        except httpx.TransportError as error:
            raise _Broken(f"{type(error).__name__} {error}".strip()) from error
        if total is not None and self._part.size != total:
            raise _Broken(f"{self._part.size:,} of {total:,} bytes came")
        return total is not None or "chunked" in response.headers.get("transfer-encoding", "").lower()

    @contextmanager
    def _answer(self, ask: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Ask, and go where the server says that the file is; another server is told no secrets."""
        url, own = self._wanted.url, self._wanted.headers
        for _ in range(MAX_REDIRECTS + 1):
            self._turns.take()
            with self._client.stream("GET", url, headers={**own, **ask}) as response:
                following = response.next_request
                if following is None:
                    yield response
                    return
            if following.url.scheme not in SCHEMES or not following.url.host:
                raise self._refused(
                    f"is redirected to a URL of scheme {following.url.scheme!r}", "only http and https are followed"
                )
            if not _same_site(response.url, following.url):
                own = {}
            url = str(following.url)
        raise self._refused(f"is redirected more than {MAX_REDIRECTS} times", "give the URL at which the file is")

    def _accepted(self, response: httpx.Response, size: int, said: Expected) -> int | None:
        """Get the file on disk ready for what an answer brings, and give the whole file's bytes if they are known."""
        self._check_status(response)
        if response.status_code == 206:
            span = _RANGE.fullmatch(response.headers.get("content-range", ""))
            first, last, total = map(int, span.groups()) if span else (-1, -1, -1)
            answered = Expected.of(response.headers, total)
            if not size or first != size or last != total - 1 or not said.fits(answered):
                self._part.discard()
                raise _Broken("the server answered with another part of the file than it was asked for")
        else:
            total = int(response.headers.get("content-length", -1))
            self._part.begin(Expected.of(response.headers, None if total < 0 else total))
        if total > self._manner.max_bytes:
            raise self._too_large()
        return None if total < 0 else total

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        answers = f"answers {status} {response.reason_phrase}".strip()
        if status == 416:
            self._part.discard()
            raise _Broken(answers)
        if status in _AGAIN or status >= 500:
            wait_s = retry_after_s(response.headers.get("retry-after"))
            if wait_s > MAX_PAUSE_S:
                raise self._refused(f"{answers}, and wants to be asked again in {wait_s:,.0f} s", "ingest again then")
            self._turns.pause(wait_s)
            raise _Broken(answers, wait_s)
        if status not in (200, 206):
            raise self._refused(answers, _WHAT_NOW.get(status, "open the URL in a browser, and correct the template"))
        encoding = response.headers.get("content-encoding", "").lower()
        if encoding not in _ENCODINGS:
            raise self._refused(f"comes in the encoding {encoding[:40]!r}", "let the server send it plain, or as gzip")

    def _stream(self, response: httpx.Response) -> None:
        """Write what comes."""
        began, received, left = time.monotonic(), 0, self._manner.max_bytes - self._part.size
        with self._part.opened() as file:
            for chunk in response.iter_raw():
                self._turns.check()
                received += len(chunk)
                if received > left:
                    raise self._too_large()
                file.write(chunk)
                seconds = time.monotonic() - began
                if seconds > _PATIENCE * self._manner.read_timeout_s and received < seconds * SLOWEST_BYTES_PER_S:
                    raise _Broken(f"only {received:,} bytes came in {seconds:.0f} s")

    def _too_large(self) -> DownloadFailed:
        self._part.discard()
        return self._refused(
            f"has more than {self._manner.max_bytes:,} bytes", "ingest a file that you trust from a folder"
        )


def _same_site(one: httpx.URL, other: httpx.URL) -> bool:
    """Say whether a server may be told what the other one was told."""
    if one.host != other.host:
        return False
    upgraded = (one.scheme, other.scheme) == ("http", "https") and one.port is None and other.port is None
    return upgraded or (one.scheme, one.port) == (other.scheme, other.port)
