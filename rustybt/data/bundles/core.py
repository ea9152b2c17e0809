"""How are bundles registered, ingested and found? Under the module name that Zipline's extensions know."""

from rustybt.data.bundles.catalog import clean, load
from rustybt.data.bundles.ingest import ingest
from rustybt.data.bundles.layout import from_bundle_ingest_dirname, ingestions_for_bundle, to_bundle_ingest_dirname
from rustybt.data.bundles.registry import RegisteredBundle, bundles, register, unregister
from rustybt.errors import BadClean, UnknownBundle

__all__ = [
    "BadClean",
    "RegisteredBundle",
    "UnknownBundle",
    "bundles",
    "clean",
    "from_bundle_ingest_dirname",
    "ingest",
    "ingestions_for_bundle",
    "load",
    "register",
    "to_bundle_ingest_dirname",
    "unregister",
]
