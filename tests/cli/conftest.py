"""A runner of the command line, a sample bundle, and strategy files."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rustybt.cli.main import cli

CROSSOVER = """
from rustybt import Strategy
from rustybt.api import order_target_percent, symbols
from rustybt.optimization import Integer


class Crossover(Strategy):
    fast = Integer(5, 10, step=5)
    slow = Integer(20, 30, step=5)

    def initialize(self, context):
        context.assets = symbols("AAPL", "MSFT")

    def handle_data(self, context, data):
        prices = data.history(context.assets, "close", self.slow, "1d")
        fast, slow = prices.iloc[-self.fast :].mean(), prices.mean()
        for asset in context.assets:
            order_target_percent(asset, 0.5 if fast[asset] > slow[asset] else 0)
"""


@pytest.fixture(autouse=True)
def clean_interpreter(monkeypatch):
    """Let scripts add to the import path, and forget it afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("_script_"):
            del sys.modules[name]


@pytest.fixture
def workplace(tmp_path, monkeypatch) -> Path:
    """A current folder of the test's own, with a strategy file."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "crossover.py").write_text(CROSSOVER)
    return folder


@pytest.fixture
def rustybt(workplace):
    """Call the command line in this process."""

    def call(line, *more):
        return CliRunner().invoke(cli, [*line.split(), *more], prog_name="rustybt")

    return call


@pytest.fixture
def one_line(rustybt):
    """Call a command that must fail with one line, exit code 1 and nothing else; give the line."""

    def call(line, *more):
        done = rustybt(line, *more)
        assert done.exit_code == 1, done.output
        assert done.stdout == ""
        (message,) = done.stderr.splitlines()
        assert message.startswith("Error: ")
        return message.removeprefix("Error: ")

    return call
