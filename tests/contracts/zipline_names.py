"""What can be imported from Zipline and called there: the names behind zipline_names.json.

usage, with an interpreter that has zipline-reloaded 3.2.1: python tests/contracts/zipline_names.py
writes zipline_names.json anew. It holds the public names of the modules that scripts import from, the parameters of
what they call with each default's text, and the options of the command line.
"""

import importlib
import inspect
import json
from pathlib import Path

MODULES = """
    algorithm api assets data.benchmarks data.bundles data.bundles.csvdir errors extensions finance.asset_restrictions
    finance.blotter finance.cancel_policy finance.commission finance.controls finance.execution finance.metrics
    finance.metrics.metric finance.order finance.slippage finance.trading finance.transaction protocol
    utils.calendar_utils utils.events utils.math_utils utils.run_algo
""".split()
REEXPORTED = {  # in modules without __all__, names of others that scripts import from there
    "protocol": ["BarData"],
    "utils.calendar_utils": ["TradingCalendar", "get_calendar_names", "register_calendar", "register_calendar_alias"],
    "utils.math_utils": "nanargmax nanargmin nanmax nanmean nanmedian nanmin nanstd nansum".split(),
    "finance.metrics": ["register"],
}


def public(module):
    """Give a module's __all__, or what it defines itself."""
    name = module.__name__.removeprefix("zipline.")
    own = [key for key, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    chosen = getattr(module, "__all__", own)
    return sorted({*(key for key in chosen if not key.startswith("_")), *REEXPORTED.get(name, ())})


def parameters(function):
    """Give a function's parameters in order, each with the text of its default, None where there is none."""
    return [
        [name, None if parameter.default is parameter.empty else repr(parameter.default)]
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in ("self", "environ") and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def options(command):
    """Give a command's option strings."""
    return sorted(text for parameter in command.params for text in (*parameter.opts, *parameter.secondary_opts))


def main():
    """Write zipline_names.json."""
    zipline = importlib.import_module("zipline")
    commands = importlib.import_module("zipline.__main__").main
    modules = {name: importlib.import_module(f"zipline.{name}") for name in MODULES}
    functions = {name: getattr(modules["api"], name) for name in public(modules["api"])}
    answer = {
        "modules": {"": sorted(zipline.__all__), **{name: public(module) for name, module in modules.items()}},
        "api_parameters": {
            name: parameters(function) for name, function in functions.items() if inspect.isfunction(function)
        },
        "run_algorithm": parameters(zipline.run_algorithm),
        "TradingAlgorithm": parameters(zipline.TradingAlgorithm.__init__),
        "SimulationParameters": parameters(modules["finance.trading"].SimulationParameters.__init__),
        "options": {"": options(commands), **{name: options(command) for name, command in commands.commands.items()}},
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(answer, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
