"""How does market data become a versioned bundle, and how is it found again?"""

from rustybt.data.bundles.catalog import BundleRecord, VersionRecord, available, clean, load, versions
from rustybt.data.bundles.csvdir import csvdir_equities
from rustybt.data.bundles.ingest import ingest, ingest_csvdir, ingest_files, ingest_frames, ingest_parquetdir
from rustybt.data.bundles.ingest_online import ingest_http, ingest_yfinance
from rustybt.data.bundles.layout import from_bundle_ingest_dirname, ingestions_for_bundle, to_bundle_ingest_dirname
from rustybt.data.bundles.registry import RegisteredBundle, bundles, register, unregister
from rustybt.data.bundles.verify import Verified, verify
from rustybt.data.bundles.zipline_ingest import ingest_zipline
from rustybt.errors import UnknownBundle

__all__ = [
    "BundleRecord",
    "RegisteredBundle",
    "UnknownBundle",
    "Verified",
    "VersionRecord",
    "available",
    "bundles",
    "clean",
    "csvdir_equities",
    "from_bundle_ingest_dirname",
    "ingest",
    "ingest_csvdir",
    "ingest_files",
    "ingest_frames",
    "ingest_http",
    "ingest_parquetdir",
    "ingest_yfinance",
    "ingest_zipline",
    "ingestions_for_bundle",
    "load",
    "register",
    "to_bundle_ingest_dirname",
    "unregister",
    "verify",
    "versions",
]
