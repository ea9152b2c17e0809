"""What does Zipline compute for every term of terms.py? Writes expected/*.npz anew.

usage, with an interpreter that has zipline-reloaded 3.2.1, from the repository's root: ZIPLINE_ROOT=/some/new/folder
python -m tests.golden.pipeline.make_golden DATA, where DATA was made by scripts/make_data.py.

A file holds the rows' sessions and symbols, and for each term, under its place in names.json, its values, one a row;
text that is missing is "<none>".
Each term is a pipeline of its own, because Zipline's summaries write into the values that others would read. Labels
are read before they become pandas' categories, which cannot be None. A term at which Zipline raises is stored as the
error's name.
"""

import importlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from tests.golden.ingest import SPANS as DAYS
from tests.golden.ingest import daily_csvs
from tests.golden.pipeline.kit import loaders
from tests.golden.pipeline.spans import SPANS
from tests.golden.pipeline.terms import terms

EXPECTED = Path(__file__).with_name("expected")


class Zipline:
    """Zipline's engine over a bundle."""

    def __init__(self, name):
        bundle = importlib.import_module("zipline.data.bundles").load(name)
        pipeline = importlib.import_module("zipline.pipeline")
        engine = importlib.import_module("zipline.pipeline.engine").SimplePipelineEngine
        pricing = importlib.import_module("zipline.pipeline.loaders").EquityPricingLoader.without_fx(
            bundle.equity_daily_bar_reader, bundle.adjustment_reader
        )
        finder = bundle.asset_finder
        self.assets = finder.retrieve_all(sorted(finder.equities_sids))
        sessions = bundle.equity_daily_bar_reader.sessions
        custom = loaders("zipline", sessions, [asset.sid for asset in self.assets])
        self.engine = engine(lambda column: custom.get(column, pricing), finder, pipeline.domain.US_EQUITIES)
        self.pipeline = pipeline.Pipeline

    def run(self, columns, first, last):
        """Compute terms over a span."""
        return self.engine.run_pipeline(self.pipeline(columns), pd.Timestamp(first), pd.Timestamp(last))


def plain(column):
    """Give a column as an array of numbers, truth values, dates or text."""
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype == object:
        return np.array(["<none>" if pd.isna(label) else str(label) for label in column], dtype=str)
    return column.to_numpy()


def labels_of(classifier, data):
    """Give a classifier's labels, as `Classifier.postprocess` does but for the pandas categories."""
    if classifier.dtype == object:
        if not hasattr(data, "as_string_array"):
            raise AssertionError(f"Expected a LabelArray, got {type(data)}.")
        return data.as_string_array()
    return data


def computed(run, named, first, last):
    """Give a span's arrays by name: rows, and each term's values."""
    rows = run({}, first, last).index
    sessions = rows.get_level_values(0)
    found = {
        "sessions": sessions.strftime("%Y-%m-%d").to_numpy().astype(str),
        "symbols": np.array([asset.symbol for asset in rows.get_level_values(1)]),
    }
    for name, term in named.items():
        try:
            found[name] = plain(run({"it": term}, first, last)["it"])
        except (ValueError, TypeError, AssertionError) as error:
            print(f"{name}: {type(error).__name__}: {str(error)[:120]}")
            found[name] = np.array(type(error).__name__)
    return found


def ingest(data):
    """Ingest the data sets under Zipline."""
    bundles = importlib.import_module("zipline.data.bundles")
    for name in sorted({span[0] for span in SPANS.values()}):
        first, last = map(pd.Timestamp, DAYS[name])
        function = daily_csvs(data / name / "daily" if (data / name / "daily").is_dir() else data / name)
        bundles.register(name, function, calendar_name="XNYS", start_session=first, end_session=last)
        bundles.ingest(name, show_progress=False)


def main(data):
    """Write all files."""
    ingest(data)
    EXPECTED.mkdir(exist_ok=True)
    warnings.simplefilter("ignore")
    classifier = importlib.import_module("zipline.pipeline").Classifier
    classifier.postprocess = labels_of
    for label, (name, first, last, *symbols) in SPANS.items():
        print(label)
        zipline = Zipline(name)
        by_symbol = {asset.symbol: asset for asset in zipline.assets}
        named = terms("zipline", zipline.assets, *(by_symbol[symbol] for symbol in symbols))
        found = computed(zipline.run, named, first, last)
        (EXPECTED / "names.json").write_text(json.dumps(list(named), indent=1) + "\n")
        places = {name: str(place) for place, name in enumerate(named)}
        arrays = {places.get(name, name): array for name, array in found.items()}
        np.savez_compressed(EXPECTED / f"{label}.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
