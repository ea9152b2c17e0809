"""Which commands are there, and which module does each come from?"""

from importlib import import_module
from pathlib import Path

import click

from rustybt import __version__
from rustybt.cli.boundary import Invocation, NamedCommands, one_line_errors

COMMANDS = {
    "demo": ("rustybt.cli.demo", "Optimize a sample strategy on the embedded bundle, and show the result."),
    "ingest": ("rustybt.cli.ingest_online", "Read market data into a bundle."),
    "bundles": ("rustybt.cli.bundles", "List the bundles, and show, verify or profile one."),
    "sql": ("rustybt.cli.sql", "Run one query over a bundle's tables."),
    "clean": ("rustybt.cli.clean", "Delete ingested versions of a bundle."),
    "run": ("rustybt.cli.run", "Run one backtest of a strategy file."),
    "optimize": ("rustybt.cli.optimize", "Backtest a strategy file over its parameter space, on every core."),
    "doctor": ("rustybt.cli.doctor", "Show what this machine has for an optimization, and what to change."),
    "analyze": ("rustybt.cli.analyze", "Say what a planned run will come to, before it runs."),
}
"""Name, home and one line of help: the list of commands is shown without loading any of them."""


class LazyCommands(NamedCommands):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the commands in the order of a user's first day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands' one-line helps."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command behind the boundary that turns errors into one line."""
        invocation = ctx.ensure_object(Invocation)
        invocation.debug = bool(ctx.params.get("debug"))
        with one_line_errors(invocation):
            return super().invoke(ctx)


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
@click.option(
    "-e",
    "--extension",
    "extensions",
    multiple=True,
    metavar="FILE|MODULE",
    help="Execute an extension first: a .py file or a dotted name; repeatable.",
)
@click.option(
    "--strict-extensions/--non-strict-extensions",
    default=False,
    help="Stop at an extension that fails, or warn and go on.  [default: warn]",
)
@click.option(
    "--default-extension/--no-default-extension",
    default=True,
    help="Execute extension.py in the root, if there is one.  [default: yes]",
)
@click.option(
    "-x",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument for extensions, which read it as rustybt.extension_args.NAME; repeatable.",
)
@click.version_option(__version__, "-V", "--version", prog_name="rustybt")
@click.pass_obj
def cli(
    invocation: Invocation,
    debug: bool,
    extensions: tuple[str, ...],
    strict_extensions: bool,
    default_extension: bool,
    arguments: tuple[str, ...],
) -> None:
    """Backtest Zipline-style strategies, and optimize their parameters."""
    loader = import_module("rustybt.engine.extensions")
    loader.create_args(arguments, loader.extension_args)
    standard = loader.default_extension()
    for extension in [*([standard] if default_extension and standard.is_file() else []), *extensions]:
        invocation.script = Path(extension)
        loader.load_extensions(False, [str(extension)], strict_extensions)
    invocation.script = None
