"""Are extensions executed before commands, and does a bad one say so in one line?"""

import sys

import pandas as pd
import pytest

import rustybt as package
from rustybt.data import bundles
from rustybt.engine import extensions
from rustybt.finance import metrics
from rustybt.finance.blotter import blotters

EXTENSION = """
import pandas as pd

import rustybt
from rustybt.data.bundles import register
from rustybt.extensions import register as register_blotter
from rustybt.finance import commission, metrics
from rustybt.finance.blotter import Blotter, SimulationBlotter


@register("extended", calendar_name="XNYS", start_session="2020-01-02", end_session="2020-01-31")
def ingest(environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, calendar, start_session,
           end_session, cache, show_progress, output_dir):
    days = pd.DatetimeIndex(calendar.sessions_in_range("2020-01-02", "2020-01-31"))
    price = float(getattr(rustybt.extension_args, "price", 10))
    frame = pd.DataFrame({name: price for name in ("open", "high", "low", "close")}, index=days)
    equities = pd.DataFrame({"symbol": ["A"], "start_date": days[:1], "end_date": days[-1:], "exchange": ["NYSE"]})
    exchanges = pd.DataFrame([{"exchange": "NYSE", "canonical_name": "NYSE", "country_code": "US"}])
    asset_db_writer.write(equities=equities, exchanges=exchanges)
    daily_bar_writer.write([(0, frame.assign(volume=1000))])
    adjustment_writer.write()


class Cash:
    def end_of_session(self, packet, ledger, session, session_ix, data_portal):
        packet["daily_perf"]["cash_now"] = ledger.portfolio.cash


@metrics.register("with_cash")
def with_cash():
    return metrics.load("default") | {Cash()}


@register_blotter(Blotter, "dear")
def dear():
    return SimulationBlotter(equity_commission=commission.PerTrade(7.0))
"""
STRATEGY = """
from rustybt.api import order, symbol


def initialize(context):
    context.ordered = False


def handle_data(context, data):
    if not context.ordered:
        order(symbol("A"), 1)
    context.ordered = True
"""


@pytest.fixture(autouse=True)
def forget():
    """Leave the process as it was."""
    before = set(sys.modules)
    yield
    extensions._loaded.clear()
    vars(extensions.extension_args).clear()
    for registry, name in ((metrics, "with_cash"), (blotters, "dear")):
        known = metrics.metrics_sets if registry is metrics else blotters.factories
        if name in known:
            registry.unregister(name)
    if "extended" in bundles.bundles:
        bundles.unregister("extended")
    for name in {*sys.modules} - before:
        if name.startswith(("_extension_", "my_extension")):
            del sys.modules[name]


@pytest.fixture
def extension(data_root):
    data_root.mkdir(parents=True, exist_ok=True)
    path = data_root / "extension.py"
    path.write_text(EXTENSION)
    return path


@pytest.fixture
def strategy(workplace):
    (workplace / "strategy.py").write_text(STRATEGY)


def test_what_extension_py_registers_is_known_to_every_command(rustybt, extension, strategy, workplace):
    assert "extended (not ingested yet)" in rustybt("bundles").stdout
    done = rustybt("ingest -b extended --no-show-progress")
    assert done.stdout == "extended: 1 symbol, 21 daily bars, 2020-01-02 to 2020-01-31 (XNYS)\n", done.output
    options = "--metrics-set with_cash --blotter dear --capital-base 1000 --no-benchmark -o perf.pickle"
    done = rustybt(f"run -f strategy.py -b extended {options}")
    assert done.exit_code == 0, done.output
    perf = pd.read_pickle(workplace / "perf.pickle")
    assert perf["cash_now"].iloc[-1] == pytest.approx(1000 - 10 * 1.0005 - 7)
    assert perf["cash_now"].tolist() == perf["ending_cash"].tolist()
    assert "price" not in vars(package.extension_args)


def test_arguments_reach_extensions(rustybt, extension, strategy, workplace):
    rustybt("-x price=20 -x feed.key=abc -x feed.more.depth=3 ingest -b extended")
    args = package.extension_args
    assert (args.price, args.feed.key, args.feed.more.depth) == ("20", "abc", "3")
    rustybt("run -f strategy.py -b extended --capital-base 1000 -o perf.pickle")
    assert pd.read_pickle(workplace / "perf.pickle")["ending_value"].iloc[-1] == 20


def test_files_and_modules_named_by_e_are_executed_once(rustybt, workplace, data_root, monkeypatch):
    (workplace / "more.py").write_text("print('more')\n")
    (workplace / "my_extension.py").write_text("print('module')\n")
    monkeypatch.syspath_prepend(workplace)
    assert rustybt("-e more.py -e my_extension bundles").stdout.startswith("more\nmodule\n")
    assert "more" not in rustybt("-e more.py bundles").stdout


def test_the_default_extension_can_be_left_out(rustybt, extension):
    extension.write_text("print('executed')\n")
    assert "executed" not in rustybt("--no-default-extension bundles").stdout
    assert rustybt("bundles").stdout.startswith("executed\n")


def test_a_bad_extension_is_one_line_or_a_warning(rustybt, one_line, extension):
    extension.write_text("from rustybt.data.bundles import unregister\n\nunregister('nothing')\n")
    message = one_line("--strict-extensions bundles")
    assert message.startswith("extension.py, line 3: bundle 'nothing' is not registered")
    with pytest.warns(UserWarning, match=r"extension '.*extension.py' failed: UnknownBundle: bundle 'nothing' is not"):
        done = rustybt("bundles")
    assert done.exit_code == 0
    assert "mag-7" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-e none.py", "extension 'none.py' does not exist"),
        ("-x price", "invalid extension argument 'price': write -x name=value, or -x group.name=value"),
        ("-x a=1 -x a.b=2", "extension argument 'a.b': 'a' is a value already, choose another name"),
    ],
)
def test_bad_arguments_are_one_line(one_line, data_root, arguments, message):
    assert one_line(f"--strict-extensions {arguments} bundles") == message


def test_an_extension_that_is_no_python_names_its_line(one_line, extension):
    extension.write_text("def f(:\n")
    assert one_line("--strict-extensions bundles") == "extension.py, line 1: invalid syntax: def f(:"
