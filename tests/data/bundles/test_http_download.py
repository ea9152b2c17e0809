"""Files come whole from a server that fails, stalls, cuts off and lies, or an error says why they do not."""

import gzip
import json
import os
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from rustybt.data.bundles import http_download, part_file
from rustybt.data.bundles.http_download import Manner, download
from rustybt.data.bundles.turns import Turns, retry_after_s
from rustybt.data.bundles.url_template import Wanted
from rustybt.errors import DownloadFailed, InvalidParameter
from tests.data.bundles.file_server import chunked, cut, drip, running, slow, stall, status

BODY = b"date,open,high,low,close,volume\n" + b"2020-01-02,1,1,1,1,1\n" * 500


@pytest.fixture
def server():
    with running() as made:
        made.files["/A.csv"] = BODY
        yield made


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache" / "http"


def wanted(server, symbol="A", ending=".csv", **headers):
    url = f"{server.url}/{symbol}{ending}"
    return Wanted(symbol, url, url, headers)


def manner(**changed):
    return Manner(**{"backoff_s": 0.01, "seed": 1, "read_timeout_s": 2.0, **changed})


def fetched(server, folder, *files, **changed):
    paths = download(list(files) or [wanted(server)], folder, manner(**changed))
    return {symbol: path.read_bytes() for symbol, path in paths.items()}


def ranges(server):
    return [one.headers.get("Range") for one in server.asked]


def test_a_file_comes_as_it_is(server, folder):
    assert fetched(server, folder) == {"A": BODY}
    assert [path.suffix for path in folder.iterdir()] == [".csv"]


@pytest.mark.parametrize("act", [status(500), status(503), status(429), status(408), chunked(BODY[:99], whole=False)])
def test_what_may_pass_is_tried_again(server, folder, act):
    server.acts["/A.csv"] = [act, act]
    assert fetched(server, folder) == {"A": BODY}
    assert len(server.asked) == 3


def test_retries_end_with_the_last_reason(server, folder):
    server.acts["/A.csv"] = [status(502)] * 9
    with pytest.raises(
        DownloadFailed,
        match=r"A: http://.*/A.csv failed 3 times, the last: answers 502 Bad Gateway: ingest again later",
    ):
        fetched(server, folder, retries=2)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (404, "correct the symbol or the template"),
        (403, "give the header or key"),
        (400, "open the URL"),
        (204, "open"),
    ],
)
def test_what_does_not_pass_is_an_error_at_once(server, folder, code, what):
    server.acts["/A.csv"] = [lambda handler: (handler.send_response(code), handler.end_headers())]
    with pytest.raises(DownloadFailed, match=rf"A: {server.url}/A.csv answers {code} .*: {what}"):
        fetched(server, folder)
    assert len(server.asked) == 1


def test_every_failure_is_named_and_the_rest_is_kept(server, folder):
    files = [wanted(server, symbol) for symbol in ("A", "NO", "NOR")]
    with pytest.raises(DownloadFailed, match=r"NO: .*404 Not Found.*; 1 more failed: NOR; the 1 files .* kept"):
        fetched(server, folder, *files)
    server.files |= {"/NO.csv": b"x\n", "/NOR.csv": b"y\n"}
    server.asked.clear()
    assert fetched(server, folder, *files) == {"A": BODY, "NO": b"x\n", "NOR": b"y\n"}
    assert server.paths() == ["/NO.csv", "/NOR.csv"]


def test_many_failures_end_the_download(server, folder):
    files = [wanted(server, f"S{number}") for number in range(60)]
    with pytest.raises(DownloadFailed, match=r"9 more failed"):
        fetched(server, folder, *files, connections=1)
    assert len(server.asked) < 30


def test_nobody_listens(folder):
    one = Wanted("A", "http://127.0.0.1:9/A.csv", "http://127.0.0.1:9/A.csv")
    with pytest.raises(DownloadFailed, match=r"A: http://127.0.0.1:9/A.csv failed 2 times, the last: ConnectError"):
        download([one], folder, manner(retries=1))


def test_retry_after_is_waited_for_by_all(server, folder):
    server.files["/B.csv"] = BODY
    server.acts["/A.csv"] = [status(429, Retry_After=1)]
    fetched(server, folder, wanted(server), wanted(server, "B"), connections=1)
    first, *later = server.asked
    assert [one.path for one in later] == ["/A.csv", "/B.csv"]
    assert min(one.at for one in later) - first.at > 0.95


def test_a_server_that_wants_peace_for_long_is_left_alone(server, folder):
    server.acts["/A.csv"] = [status(503, Retry_After=3600)]
    with pytest.raises(DownloadFailed, match=r"503 Service Unavailable, and wants to be asked again in 3,600 s"):
        fetched(server, folder)


def test_retry_after_may_be_a_date():
    text = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 95 < retry_after_s(text) <= 100
    assert [retry_after_s(text) for text in (None, "", "-5", "1e9", "²")] == [0.0] * 5
    assert retry_after_s("Fri, 31 Dec 1999 23:59:59 +99999999999999999") == 0.0


@pytest.mark.parametrize("act", [stall(0), stall(2000)])
def test_a_stall_is_ended_by_the_time_out(server, folder, act):
    server.etags["/A.csv"] = '"v1"'
    server.acts["/A.csv"] = [act]
    assert fetched(server, folder, read_timeout_s=0.2) == {"A": BODY}
    assert ranges(server) in ([None, None], [None, "bytes=2000-"])


def test_a_drip_is_a_stall(server, folder, monkeypatch):
    server.acts["/A.csv"] = [drip(0.02)]
    assert fetched(server, folder, read_timeout_s=0.1) == {"A": BODY}
    assert len(server.asked) == 2


def test_a_body_that_breaks_off_is_gone_on_with(server, folder):
    server.etags["/A.csv"] = '"v1"'
    server.acts["/A.csv"] = [cut(1000)]
    assert fetched(server, folder) == {"A": BODY}
    assert ranges(server) == [None, "bytes=1000-"]
    assert server.asked[1].headers["If-Range"] == '"v1"'


@pytest.mark.parametrize("etag", [None, 'W/"v1"'])
def test_without_a_strong_tag_nothing_is_gone_on_with(server, folder, etag):
    server.etags["/A.csv"] = etag
    server.acts["/A.csv"] = [cut(1000)]
    assert fetched(server, folder) == {"A": BODY}
    assert ranges(server) == [None, None]


def test_a_body_of_unknown_length_that_breaks_off_within_a_line_is_tried_again(server, folder):
    server.acts["/A.csv"] = [cut(1000, length=False)]
    assert fetched(server, folder) == {"A": BODY}
    server.acts["/B.csv"], server.files["/B.csv"] = [cut(1000, length=False)] * 9, BODY
    with pytest.raises(DownloadFailed, match="did not say how long it is, and its last line has no end"):
        fetched(server, folder, wanted(server, "B"), retries=1)


def test_a_body_in_chunks_needs_no_last_line_end(server, folder):
    server.acts["/A.csv"] = [chunked(b"abc", b"def")]
    assert fetched(server, folder) == {"A": b"abcdef"}


@pytest.mark.parametrize("body", [gzip.compress(BODY, mtime=0), b"PAR1" + b"x" * 500 + b"PAR1"])
def test_packed_files_of_unknown_length_that_break_off_are_tried_again(server, folder, body):
    server.files["/A.csv"] = body
    server.acts["/A.csv"] = [cut(len(body) - 10, length=False)]
    assert fetched(server, folder) == {"A": body}
    assert len(server.asked) == 2


def test_a_file_that_changed_between_two_attempts_is_begun_anew(server, folder):
    server.etags["/A.csv"] = '"v1"'

    def cut_then_change(handler):
        cut(1000)(handler)
        server.files["/A.csv"], server.etags["/A.csv"] = BODY.replace(b"1,1", b"2,2"), '"v2"'

    server.acts["/A.csv"] = [cut_then_change]
    assert fetched(server, folder) == {"A": BODY.replace(b"1,1", b"2,2")}
    assert ranges(server) == [None, "bytes=1000-"]


def wrong_part(span, etag='"v1"'):
    def act(handler):
        body = b"x" * 100
        handler.send_response(206)
        for name, value in (("Content-Range", span), ("ETag", etag), ("Content-Length", len(body))):
            handler.send_header(name, str(value))
        handler.end_headers()
        handler.wfile.write(body)

    return act


@pytest.mark.parametrize(
    "act",
    [
        wrong_part(f"bytes 0-99/{len(BODY)}"),
        wrong_part("bytes 1000-1099/5000"),
        wrong_part("bytes 1000-1099/1100"),
        wrong_part(f"bytes 1000-{len(BODY) - 1}/{len(BODY)}", etag='"v2"'),
        wrong_part("nonsense"),
        status(416),
    ],
)
def test_another_part_than_was_asked_for_is_not_believed(server, folder, act):
    server.etags["/A.csv"] = '"v1"'
    server.acts["/A.csv"] = [cut(1000), act]
    assert fetched(server, folder) == {"A": BODY}
    assert ranges(server) == [None, "bytes=1000-", None]


def test_a_part_that_was_not_asked_for_is_not_believed(server, folder):
    server.acts["/A.csv"] = [wrong_part("bytes 0-99/100")]
    assert fetched(server, folder) == {"A": BODY}


def test_a_later_download_goes_on_and_leaves_alone_what_is_whole(server, folder):
    server.files["/B.csv"] = BODY
    server.etags["/A.csv"] = '"v1"'
    server.acts["/A.csv"] = [cut(1000)]
    files = [wanted(server), wanted(server, "B")]
    with pytest.raises(DownloadFailed, match="A: .* failed 1 time, the last: RemoteProtocolError"):
        fetched(server, folder, *files, retries=0)
    server.asked.clear()
    assert fetched(server, folder, *files) == {"A": BODY, "B": BODY}
    assert ranges(server) == ["bytes=1000-"]


@pytest.mark.parametrize("said", ["", "[]", '{"etag": 1, "x": 2}', "{"])
def test_a_broken_note_of_a_part_is_no_note(server, folder, said):
    server.etags["/A.csv"] = '"v1"'
    server.acts["/A.csv"] = [cut(1000)]
    with pytest.raises(DownloadFailed):
        fetched(server, folder, retries=0)
    (note,) = folder.glob("*.json")
    assert json.loads(note.read_text()) == {"etag": '"v1"', "modified": None, "total": len(BODY)}
    note.write_text(said)
    assert fetched(server, folder) == {"A": BODY}
    assert ranges(server) == [None, None]


def test_a_part_that_lacks_nothing_is_not_asked_for(server, folder):
    one = wanted(server)
    part = part_file.PartFile(folder, one)
    folder.mkdir(parents=True)
    part.begin(part_file.Expected('"v1"', None, len(BODY)))
    with part.opened() as file:
        file.write(BODY)
    assert fetched(server, folder, one) == {"A": BODY}
    assert server.asked == []


def test_an_old_file_and_one_in_doubt_are_downloaded_again(server, folder):
    one = wanted(server)
    (path,) = download([one], folder, manner()).values()
    fetched(server, folder, one)
    assert len(server.asked) == 1
    os.utime(path, (time.time() - part_file.FRESH_S - 1,) * 2)
    fetched(server, folder, one)
    assert len(server.asked) == 2
    part_file.PartFile(folder, one).begin_use()
    fetched(server, folder, one)
    assert len(server.asked) == 3


def redirect(target):
    return status(302, Location=target)


def test_redirects_are_followed_and_secrets_stay_with_their_server(server, folder):
    with running() as other:
        other.files["/far.csv"] = BODY
        server.acts["/A.csv"] = [redirect("/near.csv")]
        server.acts["/near.csv"] = [redirect(f"{other.url}/far.csv")]
        assert fetched(server, folder, wanted(server, **{"X-Key": "secret"})) == {"A": BODY}
        assert [one.headers.get("X-Key") for one in (*server.asked, *other.asked)] == ["secret", "secret", None]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/A.csv"])
def test_redirects_to_other_schemes_are_refused(server, folder, target):
    server.acts["/A.csv"] = [redirect(target)]
    with pytest.raises(DownloadFailed, match=r"redirected to a URL of scheme '(file|ftp)': only http and https"):
        fetched(server, folder)


def test_redirects_in_a_loop_are_refused(server, folder):
    server.acts["/A.csv"] = [redirect("/A.csv")] * 20
    with pytest.raises(DownloadFailed, match="A: .* is redirected more than 5 times"):
        fetched(server, folder)
    assert len(server.asked) == 6


@pytest.mark.parametrize("act", [None, chunked(BODY), cut(len(BODY), length=False)])
def test_too_large_a_file_is_refused_and_removed(server, folder, act):
    server.acts["/A.csv"] = [] if act is None else [act]
    with pytest.raises(DownloadFailed, match="A: .* has more than 5,000 bytes: ingest a file that you trust"):
        fetched(server, folder, max_bytes=5000)
    assert len(server.asked) == 1
    assert list(folder.iterdir()) == []


def test_a_file_that_unpacks_to_too_much_is_refused(server, folder):
    server.files["/A.csv"] = gzip.compress(b"0" * 1_000_000)
    with pytest.raises(DownloadFailed, match="A: .* it unpacks to more than 5,000 bytes"):
        fetched(server, folder, max_bytes=5000)
    assert list(folder.iterdir()) == []


def test_an_encoding_that_was_not_asked_for_is_refused(server, folder):
    server.acts["/A.csv"] = [status(200, Content_Encoding="br")]
    with pytest.raises(DownloadFailed, match="comes in the encoding 'br'"):
        fetched(server, folder)


def test_no_more_connections_than_are_allowed(server, folder):
    symbols = [f"S{number}" for number in range(12)]
    for symbol in symbols:
        server.files[f"/{symbol}.csv"] = BODY
        server.acts[f"/{symbol}.csv"] = [slow(0.05)]
    fetched(server, folder, *(wanted(server, symbol) for symbol in symbols), connections=3)
    assert server.most_busy == 3


def test_no_more_requests_in_a_second_than_are_allowed(server, folder):
    symbols = [f"S{number}" for number in range(11)]
    for symbol in symbols:
        server.files[f"/{symbol}.csv"] = BODY
    server.acts["/S0.csv"] = [status(500)]
    fetched(server, folder, *(wanted(server, symbol) for symbol in symbols), rate=25)
    times = sorted(one.at for one in server.asked)
    assert len(times) == 12 and times[-1] - times[0] > 11 / 25 - 0.03


def test_turns_after_a_pause_keep_the_rate():
    turns = Turns(rate=100)
    began = time.monotonic()
    turns.pause(0.1)
    for _ in range(6):
        turns.take()
    assert time.monotonic() - began > 0.149


def test_waits_double_and_are_the_same_for_a_seed(server, folder):
    def waits(seed):
        part = part_file.PartFile(folder, wanted(server))
        made = http_download._Transfer(wanted(server), part, None, Turns(), manner(backoff_s=1.0, seed=seed), 0)
        return [made._backoff_s(attempt) for attempt in range(9)]

    assert waits(5) == waits(5) != waits(6)
    for attempt, wait_s in enumerate(waits(5)):
        assert min(60.0, 2.0**attempt) / 2 <= wait_s <= min(60.0, 2.0**attempt)


@pytest.mark.parametrize(
    "symbol", ["../up", "/etc/x", "a\\b", "..", "nul", "A" * 128, "Ü" * 128, ".hidden", "A.PARQUET"]
)
def test_whatever_the_symbol_files_stay_in_the_folder(server, folder, symbol):
    server.acts["/x"] = [status(200, Content_Disposition='attachment; filename="../../evil"')]
    download([Wanted(symbol, server.url, f"{server.url}/x")], folder, manner())
    (made,) = folder.iterdir()
    assert made.suffix == ".csv" and not made.name.startswith(".")
    assert [path.name for path in folder.parent.parent.iterdir()] == ["cache"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("connections", 0), ("connections", 65), ("connections", True), ("retries", -1), ("rate", 0), ("rate", "x")],
)
def test_a_manner_that_cannot_be_is_refused(name, value):
    with pytest.raises(InvalidParameter, match=rf"{name} {value!r} is no "):
        Manner(**{name: value})
