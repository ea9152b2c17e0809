"""Which terms and methods do Zipline's pipelines have? The names behind pipeline_names.json.

usage, with an interpreter that has zipline-reloaded 3.2.1: python tests/contracts/pipeline_names.py
writes pipeline_names.json anew: the public names of the modules of terms, and what can be called on each kind of term.
"""

import importlib
import json
from pathlib import Path

MODULES = ("", ".factors", ".filters", ".classifiers")
OPERATORS = {
    f"__{name}__"
    for name in (
        "add radd sub rsub mul rmul truediv rtruediv mod rmod pow rpow neg lt le gt ge ne "
        "and rand or ror invert getitem"
    ).split()
}


def callables(cls):
    """Give the methods that a kind of term has of its own or by inheritance: public ones, and operators."""
    bases = [base for base in cls.__mro__ if base is not object]
    found = {
        name for base in bases for name, value in vars(base).items() if callable(value) or hasattr(value, "__get__")
    }
    return sorted(name for name in found if not name.startswith("_") or name in OPERATORS)


def main():
    """Write pipeline_names.json."""
    modules = {path: importlib.import_module(f"zipline.pipeline{path}") for path in MODULES}
    kinds = {name: getattr(modules[""], name) for name in ("Factor", "Filter", "Classifier")}
    answer = {
        "modules": {path: sorted(module.__all__) for path, module in modules.items()},
        "methods": {name: callables(cls) for name, cls in kinds.items()},
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(answer, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
