"""How do the tables of an ingest become a version? Everything into one folder, described by a manifest."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, IntArray, Records
from rustybt.assets import AssetFinder
from rustybt.calendars import SessionTable, session_breaks, session_table
from rustybt.constants import NAT, NS_PER_DAY, SCHEMA_VERSION
from rustybt.data.adjustments import RATIO, Adjustments, dividend_ratios
from rustybt.data.bundles.adjustment_writer import AdjustmentWriter
from rustybt.data.bundles.asset_writer import AssetWriter
from rustybt.data.bundles.daily_writer import DailyBarWriter
from rustybt.data.bundles.datasets import dataset_digest, merged_dataset, read_dataset, write_datasets
from rustybt.data.bundles.fingerprint import MinuteDigests, identities, version_digests
from rustybt.data.bundles.made_daily import daily_frames
from rustybt.data.bundles.minute_writer import MinuteBarWriter
from rustybt.data.bundles.previous import Previous, check_fits
from rustybt.data.dense import fill_field
from rustybt.data.files import fsync_path, sha256_of
from rustybt.data.manifest import DAILY_BARS, MANIFEST, Manifest
from rustybt.data.market_minutes import minute_counts, with_breaks
from rustybt.data.minutes import BREAKS, MINUTES_FOLDER
from rustybt.data.store import keep_image
from rustybt.data.tables import VersionTables, to_records, write_parquet
from rustybt.errors import BadData, IngestWarning

if TYPE_CHECKING:
    import pyarrow as pa

    from rustybt.data.bundles.registry import RegisteredBundle

_PAYERS_PER_BLOCK = 256
_SHOWN_GAPS = 10_000
_SHOWN_SIDS = 10


class VersionBuilder:
    """Writes one version of a bundle into an empty folder.

    Parameters
    ----------
    root : Path
        The data folder, for the cache.
    name : str
        The bundle.
    bundle : RegisteredBundle
        Gives price quantum, description and source.
    path : Path
        The empty folder.
    allowed : SessionTable
        The sessions that may have a bar.
    previous : Previous, optional
        The version that this one goes on from.

    Raises
    ------
    InvalidParameter
        If that version has another calendar or price quantum.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        bundle: RegisteredBundle,
        path: Path,
        allowed: SessionTable,
        previous: Previous | None = None,
    ) -> None:
        if previous is not None:
            check_fits(previous.bundle, allowed.name, bundle.price_quantum)
        self._previous = previous
        self._root = root
        self._name = name
        self._bundle = bundle
        self._path = path
        self._allowed = allowed
        made = previous is not None and previous.bundle.manifest.daily_from_minutes
        self.daily_bars = DailyBarWriter(
            path / DAILY_BARS, allowed.session_ns, allowed.name, None if made else previous
        )
        self.minute_bars = MinuteBarWriter(path / MINUTES_FOLDER, allowed, previous)
        self.assets = AssetWriter() if previous is None else AssetWriter(previous.bundle.asset_finder, previous.restate)
        self.adjustments = AdjustmentWriter(previous)
        self._daily_from_minutes = False
        self._image: tuple[Manifest, dict[str, Records]] | None = None

    def finish(self) -> Manifest:
        """Write what is still in memory, and the manifest last.

        Returns
        -------
        Manifest

        Raises
        ------
        BadData
            If there are no bars, or bars and adjustments of assets that were not described.
        """
        self._finish_bars()
        finder = self.assets.finder()
        _check_known("minute", self.minute_bars.assets, finder)
        _check_known("daily", self.daily_bars.assets, finder)
        sessions = self._sessions()
        adjustments = self._adjustments(sessions, finder)
        manifest = self._manifest(VersionTables(sessions, finder, adjustments))
        self.daily_bars.findings.warn()
        (self._path / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        for path in (*sorted(self._path.rglob("*")), self._path):
            fsync_path(path)
        return manifest

    def keep_image(self) -> None:
        """Put the small tables of the finished version into the cache, where a kill must not leave them alone."""
        if self._image is not None:
            keep_image(self._root, *self._image)

    def _finish_bars(self) -> None:
        """Sort what was written, and make daily bars if there are minute bars alone."""
        old = self._previous
        if old is not None and old.bundle.manifest.daily_from_minutes and self.daily_bars.has_bars:
            raise BadData(
                "the daily bars of the version before were made of its minutes, and daily bars come now: only these "
                "would be left; ingest without append"
            )
        files = self.minute_bars.close()
        if files and not self.daily_bars.has_bars:
            self._daily_from_minutes = True
            made = daily_frames(files, self.minute_bars.assets, self.minute_bars.market)
            self.daily_bars.write(made, invalid_data_behavior="ignore")
        self.daily_bars.close()
        if not self.daily_bars.assets:
            raise BadData(
                "the ingest function wrote no daily bars and no minute bars: call daily_bar_writer.write or "
                "minute_bar_writer.write with (sid, frame) pairs"
            )
        _warn_of_minutes_alone(sorted(set(self.minute_bars.assets).difference(self.daily_bars.assets)))

    def _sessions(self) -> SessionTable:
        bars, days = self.daily_bars.assets.values(), self._allowed.session_ns // NS_PER_DAY
        spans = [(bar.first_day, bar.last_day) for bar in bars]
        spans += [(int(days[bar.first_row]), int(days[bar.last_row])) for bar in self.minute_bars.assets.values()]
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        return session_table(self._allowed.name, np.datetime64(first, "D"), np.datetime64(last, "D"))

    def _adjustments(self, sessions: SessionTable, finder: AssetFinder) -> Adjustments:
        tables = Adjustments.of(**self.adjustments.tables(finder.sids.tolist()))
        _warn_never_paid(tables.dividends)
        ratios, skipped = self._dividend_ratios(tables.dividends, sessions.session_ns)
        _warn_skipped(tables.dividends, skipped)
        return Adjustments.of(**{**tables.tables(), "dividend_ratios": ratios})

    def _dividend_ratios(self, dividends: Records, session_ns: IntArray) -> tuple[Records, BoolArray]:
        """Compute the ratios some payers at a time, so that memory does not grow with the universe."""
        ratios, skipped = [np.empty(0, RATIO)], np.zeros(len(dividends), dtype=bool)
        payers = np.unique(dividends["sid"])
        for start in range(0, len(payers), _PAYERS_PER_BLOCK):
            sids = payers[start : start + _PAYERS_PER_BLOCK]
            close = np.empty((len(session_ns), len(sids)))
            fill_field(close, self._path / DAILY_BARS, "close", session_ns, sids, self._bundle.price_quantum)
            chosen = np.isin(dividends["sid"], sids)
            found, skipped[chosen] = dividend_ratios(dividends[chosen], session_ns, sids, close)
            ratios.append(found)
        return np.concatenate(ratios), skipped

    def _manifest(self, tables: VersionTables) -> Manifest:
        bars, bundle = self.daily_bars.assets, self._bundle
        first_trading = int(self._allowed.session_ns[0])
        digests_of = {sid: asset.digests for sid, asset in bars.items()}
        records = to_records(tables)
        minutes = self._minute_digests(tables.sessions)
        datasets = self._datasets(tables.finder)
        write_datasets(self._path, datasets)
        identity = identities(records)
        digests = version_digests(
            *(records, digests_of, self._allowed.name, bundle.price_quantum, first_trading, minutes),
            {name: dataset_digest(table, identity) for name, table in datasets.items()},
        )
        for stem, table in records.items():
            write_parquet(self._path / f"{stem}.parquet", table)
        days = tables.sessions.session_ns.view("datetime64[ns]").astype("datetime64[D]")
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            name=self._name,
            calendar=self._allowed.name,
            price_quantum=bundle.price_quantum,
            first_trading_session_ns=first_trading,
            first_session=str(days[0]),
            last_session=str(days[-1]),
            sessions=len(days),
            assets=len(tables.finder.equities),
            rows=sum(asset.rows for asset in bars.values()),
            fingerprint=digests.fingerprint,
            sid_map=digests.sid_map,
            files=_file_records(self._path),
            gaps=_gaps({sid: (bar.missing, bar.missing_spans) for sid, bar in bars.items()}, tables.finder),
            source=dict(bundle.source),
            description=bundle.description,
            daily_from_minutes=self._daily_from_minutes,
            findings=self.daily_bars.findings.for_manifest(),
            **self._about_minutes(tables, minutes),
        )
        self._image = manifest, records
        return manifest

    def _datasets(self, finder: AssetFinder) -> dict[str, pa.Table]:
        """Read the point-in-time tables, those of the version before too."""
        old = self._previous
        tables = {} if old is None else {name: old.bundle.dataset(name) for name in old.bundle.datasets}
        for name, given in self._bundle.datasets.items():
            table, notes = read_dataset(name, given, finder)
            for note in notes:
                self.daily_bars.findings.note(note)
            if old is not None and name in tables:
                table = merged_dataset(name, tables[name], table, old.restate)
            tables[name] = table
        return tables

    def _minute_digests(self, sessions: SessionTable) -> MinuteDigests | None:
        """Digest the minute bars, and write down the breaks between them."""
        if not self.minute_bars.assets:
            return None
        breaks = session_breaks(sessions)
        write_parquet(self._path / f"{BREAKS}.parquet", breaks)
        return MinuteDigests({sid: bar.content.digests() for sid, bar in self.minute_bars.assets.items()}, breaks)

    def _about_minutes(self, tables: VersionTables, minutes: MinuteDigests | None) -> dict[str, Any]:
        """Give the manifest's fields about minute bars."""
        if minutes is None:
            return {}
        bars, days = self.minute_bars.assets, self._allowed.session_ns // NS_PER_DAY
        missing = {sid: (bar.missing, ((int(days[bar.first_missing]),) * 2,)) for sid, bar in bars.items()}
        return {
            "minute_rows": sum(bar.rows for bar in bars.values()),
            "market_minutes": int(minute_counts(with_breaks(tables.sessions, minutes.breaks)).sum()),
            "minute_gaps": _gaps(missing, tables.finder),
        }


def _file_records(folder: Path) -> dict[str, dict[str, Any]]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {
        file.relative_to(folder).as_posix(): {"bytes": file.stat().st_size, "sha256": sha256_of(file)} for file in files
    }


def _gaps(bars: Mapping[int, tuple[int, Sequence[tuple[int, int]]]], finder: AssetFinder) -> dict[str, dict[str, Any]]:
    """Report sessions without a bar between an asset's first and last: how many, and the first spans of them."""
    worst = sorted((item for item in bars.items() if item[1][0]), key=lambda item: (-item[1][0], item[0]))
    return {
        f"{finder.retrieve_asset(sid).symbol or 'sid'} {sid}": {
            "missing": missing,
            "first": str(np.datetime64(spans[0][0], "D")),
            "spans": [[str(np.datetime64(day, "D")) for day in span] for span in spans],
        }
        for sid, (missing, spans) in sorted(worst[:_SHOWN_GAPS])
    }


def _check_known(kind: str, sids: Iterable[int], finder: AssetFinder) -> None:
    unknown = sorted(set(sids) - set(finder.sids.tolist()))
    if unknown:
        raise BadData(
            f"{kind} bars of sid {unknown[0]} were written, but asset_db_writer described no such asset: "
            "the sids of both must agree"
        )


def _warn_of_minutes_alone(sids: list[int]) -> None:
    if sids:
        shown = ", ".join(map(str, sids[:_SHOWN_SIDS])) + (", ..." if len(sids) > _SHOWN_SIDS else "")
        warnings.warn(
            f"{len(sids)} assets have minute bars but no daily bars (sid {shown}), and daily bars are made of minutes "
            "only where none are written at all: their daily prices are missing",
            IngestWarning,
            stacklevel=2,
        )


def _warn_never_paid(dividends: Records) -> None:
    unpaid = int((dividends["pay_ns"] == NAT).sum())
    if unpaid:
        warnings.warn(
            f"{unpaid} of {len(dividends)} dividends have no pay date: they lower earlier prices in history windows, "
            "but holders are never paid; name pay dates in dividends.csv, or give --dividend-pay-lag N",
            IngestWarning,
            stacklevel=2,
        )


def _warn_skipped(dividends: Records, skipped: BoolArray) -> None:
    if skipped.any():
        first = dividends[int(np.argmax(skipped))]
        warnings.warn(
            f"{int(skipped.sum())} of {len(dividends)} dividends do not adjust earlier prices, because the close "
            f"before is missing or not above the amount; the first is sid {first['sid']}, ex-date "
            f"{pd.Timestamp(int(first['ex_ns'])).date()}, amount {first['amount']:g}",
            IngestWarning,
            stacklevel=2,
        )
