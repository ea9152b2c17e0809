"""Is everything that a Zipline script imports and calls there? Zipline's names are in zipline_names.json.

What is left out is listed here, each with the reason; a name that has come since must leave the list.
"""

import ast
import importlib
import inspect
import json
from pathlib import Path

import click
import pytest

import rustybt
from rustybt import api, errors
from rustybt.algorithm import NOT_HERE, TradingAlgorithm
from rustybt.cli.main import COMMANDS, cli
from rustybt.finance.trading import SimulationParameters
from tests.architecture.source import modules

ZIPLINE = json.loads(Path(__file__).with_name("zipline_names.json").read_text())

FUTURES = "futures are not offered"
UNUSED = "Zipline 3.2.1 raises it nowhere"
INSIDE = "a part of Zipline's machinery that no script needs"
NO_ASSET_DB = "assets are rows of a Parquet table, not of a database with versions"
NO_MAPPINGS = "assets have no supplementary mappings"

LEFT_OUT = {
    "": {"gens": INSIDE},
    "algorithm": {
        "AttachedPipeline": INSIDE,
        "NoBenchmark": "a run without a benchmark compares with zero returns",
    },
    "api": {
        "continuous_future": FUTURES,
        "fetch_csv": "fetched data are not offered",
        "future_symbol": FUTURES,
    },
    "assets": {
        "ASSET_DB_VERSION": NO_ASSET_DB,
        "AssetConvertible": INSIDE,
        "AssetDBWriter": "ingest functions get their writer as an argument",
        "ContinuousFuture": FUTURES,
        "ExchangeInfo": INSIDE,
        "Future": FUTURES,
        "PricingDataAssociable": INSIDE,
        "make_asset_array": INSIDE,
    },
    "data.bundles.csvdir": dict.fromkeys(["CSVDIRBundle", "csvdir_bundle"], INSIDE),
    "errors": {
        **dict.fromkeys(["AssetDBImpossibleDowngrade", "AssetDBVersionError"], NO_ASSET_DB),
        **dict.fromkeys(["EquitiesNotFound", "FutureContractsNotFound", "RootSymbolNotFound"], FUTURES),
        "MultipleSymbolsFoundForFuzzySymbol": "symbols are not looked up fuzzily",
        **dict.fromkeys(
            """ValueNotFoundForField MultipleValuesFoundForField NoValueForSid MultipleValuesFoundForSid""".split(),
            NO_MAPPINGS,
        ),
        **dict.fromkeys(
            """CalendarNameCollision ConsumeAssetMetaDataError CyclicCalendarAlias IncompatibleHistoryFrequency
            InvalidCalendarName NoSourceError ScheduleFunctionWithoutCalendar SidAssignmentError
            TransactionVolumeExceedsOrder TransactionWithNoAmount TransactionWithNoVolume TransactionWithWrongDirection
            UnsupportedCommissionModel UnsupportedSlippageModel WrongDataForTransform""".split(),
            UNUSED,
        ),
        **dict.fromkeys(
            ["InvalidTermParams", "PipelineDateError"],
            UNUSED,
        ),
        "WindowLengthTooLong": "a plan reads the rows that its windows need",
    },
    "extensions": dict.fromkeys(
        ["Registry", "clear", "create_registry", "extensible", "get_registry", "parse_extension_arg"]
        + ["update_namespace"],
        INSIDE,
    ),
    "finance.asset_restrictions": {"SecurityListRestrictions": "security lists were Quantopian's"},
    "finance.commission": {
        **dict.fromkeys(["FutureCommissionModel", "PerContract", "PerFutureTrade"], FUTURES),
        "calculate_per_unit_commission": INSIDE,
    },
    "finance.controls": {"AssetDateBounds": INSIDE},
    "finance.execution": dict.fromkeys(["asymmetric_round_price", "check_stoplimit_prices"], INSIDE),
    "finance.metrics": {"MetricsTracker": INSIDE},
    "finance.slippage": dict.fromkeys(["FutureSlippageModel", "MarketImpactBase", "VolatilityVolumeShare"], FUTURES),
    "finance.transaction": {"create_transaction": INSIDE},
    "protocol": dict.fromkeys(["DATASOURCE_TYPE", "Event", "MutableView"], INSIDE),
    "utils.calendar_utils": {
        "register_calendar": "Zipline's get_calendar refuses calendars that were registered so; use the type's",
        "wrap_with_signature": INSIDE,
    },
    "utils.events": dict.fromkeys(["Event", "EventManager"], INSIDE),
    "utils.run_algo": {"BenchmarkSpec": INSIDE},
}
OTHER_DEFAULTS = {
    "data_portal": "an algorithm cannot be made before its data are there",
    "bundle": "the sample bundle instead of one that needs a key",
    "initialize": "a strategy class can stand for the functions",
    "capital_base": "the command line's default",
    "metrics_set": "'default' and None are the same",
    "platform": "it is another one",
}
LEFT_OUT_OPTIONS = {"--assets-version": NO_ASSET_DB}


def module_of(name):
    return importlib.import_module(f"rustybt.{name}" if name else "rustybt")


@pytest.mark.parametrize("name", ZIPLINE["modules"])
def test_every_name_is_there_or_left_out_for_a_reason(name):
    module, left_out = module_of(name), LEFT_OUT.get(name, {})
    missing = {each for each in ZIPLINE["modules"][name] if not hasattr(module, each)}
    assert missing == set(left_out)


def test_zipline_exports_53_functions_and_names_to_algorithms():
    assert len(ZIPLINE["modules"]["api"]) == 53
    assert set(api.__all__) == {*ZIPLINE["modules"]["api"]} - {*LEFT_OUT["api"]} | {"Bracket"} & {*api.__all__}


def ours(function):
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name: None if parameter.default is parameter.empty else repr(parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.kind not in kinds
    }


@pytest.mark.parametrize("name", sorted({*ZIPLINE["api_parameters"]} - {*LEFT_OUT["api"]}))
def test_api_functions_take_what_ziplines_take_in_the_same_order(name):
    theirs = [tuple(pair) for pair in ZIPLINE["api_parameters"][name] if pair[0] != "us_futures"]
    assert list(ours(getattr(api, name)).items())[: len(theirs)] == theirs


@pytest.mark.parametrize(
    ("function", "left_out"),
    [
        (rustybt.run_algorithm, set()),
        (TradingAlgorithm.__init__, set(NOT_HERE)),
        (SimulationParameters, set()),
    ],
)
def test_runs_take_every_argument_with_the_same_default(function, left_out):
    key = function.__qualname__.split(".")[0]
    got = ours(function)
    for name, default in ZIPLINE[key]:
        assert (name in got) != (name in left_out), name
        if name in got and name not in OTHER_DEFAULTS:
            same = got[name] == default or float(got[name]) == float(default)
            assert same, name


def test_positional_arguments_of_run_algorithm_stand_where_zipline_has_them():
    theirs = [name for name, _ in ZIPLINE["run_algorithm"] if name != "blotter"]
    assert [name for name in ours(rustybt.run_algorithm) if name != "environ"][: len(theirs)] == theirs


@pytest.mark.parametrize("name", ZIPLINE["options"])
def test_the_command_line_has_every_option(name):
    context = click.Context(cli)
    command = cli.get_command(context, name) if name else cli
    got = {text for parameter in command.params for text in (*parameter.opts, *parameter.secondary_opts)}
    assert {*ZIPLINE["options"][name]} - got - {*LEFT_OUT_OPTIONS} == set()


def test_the_command_line_has_every_command():
    assert {*ZIPLINE["options"]} - {""} <= {*COMMANDS}


def raised():
    """Names of every class that the package makes an instance of, and of their bases."""
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    }
    made = [value for name, value in vars(errors).items() if name in calls and isinstance(value, type)]
    return {base.__name__ for kind in made for base in kind.__mro__}


def test_every_error_can_come_up():
    kinds = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    warned = {name for name in kinds if issubclass(getattr(errors, name), Warning)}  # warn() takes the class itself
    assert kinds - warned - raised() - {"ZiplineError"} == set()


def test_zipline_error_catches_what_rustybt_raises():
    assert errors.ZiplineError is errors.RustyBTError
    with pytest.raises(errors.ZiplineError):
        raise errors.SymbolNotFound("x")


def test_names_are_there_after_importing_the_package_alone():
    assert rustybt.api.order is api.order
    assert rustybt.errors is errors
    assert rustybt.utils is importlib.import_module("rustybt.utils")
