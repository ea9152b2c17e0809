"""What does the user see when something goes wrong? One line: where and what; a traceback only if asked."""

import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO

import click

from rustybt.errors import RustyBTError, did_you_mean

INTERRUPTED = 130
"""128 + SIGINT, what a shell expects after Ctrl-C."""


@dataclass
class Invocation:
    """What one run of the command line knows about itself.

    Attributes
    ----------
    debug : bool
        Show tracebacks.
    script : Path, optional
        The user's strategy file, once it is known: errors that pass through it name its line.
    """

    debug: bool = False
    script: Path | None = None


class NamedCommands(click.Group):
    """A group that says which commands it has where it is asked for another."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command."""
        known, asked = self.list_commands(ctx), args[0]
        if asked not in known and not asked.startswith("-"):
            ctx.fail(f"No such command {asked!r}{did_you_mean(asked, known)}: there are {', '.join(known)}.")
        return super().resolve_command(ctx, args)


def describe(error: BaseException, script: Path | None = None) -> str:
    """Give one line about an error: where in the user's script it came up, and what it says.

    Parameters
    ----------
    error : BaseException
        With its traceback.
    script : Path, optional
        The user's file.

    Returns
    -------
    str
        The message of an error of the package is enough; one of the user's carries its type.

    Examples
    --------
    >>> describe(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    elif not isinstance(error, RustyBTError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    notes = [note for note in getattr(error, "__notes__", ()) if "\n" not in note]
    text = f"{text} ({'; '.join(notes)})" if notes else text
    place = place_in(script, error)
    return f"{place}: {text}" if place else text


def place_in(script: Path | None, error: BaseException) -> str:
    """Give "file.py, line 12, in handle_data" of the innermost frame in the script, or nothing."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if script is not None and frame.filename == str(script)]
    if not inside:
        return ""
    frame = inside[-1]
    function = "" if frame.name == "<module>" else f", in {frame.name}"
    return f"{Path(frame.filename).name}, line {frame.lineno}{function}"


@contextmanager
def one_line_errors(invocation: Invocation) -> Iterator[None]:
    """Turn errors that a user can act on into click's one line and exit code 1, and Ctrl-C into exit code 130.

    Any other exception, such as one raised by the user's strategy, goes on to `report_uncaught`.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # click leaves quietly when nobody reads its output any more
    except (RustyBTError, OSError) as error:
        if invocation.debug:
            raise
        raise click.ClickException(describe(error, invocation.script)) from error
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def report_uncaught(invocation: Invocation) -> None:
    """Let an exception that nothing caught print one line, unless tracebacks were asked for."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if invocation.debug:
            sys.__excepthook__(kind, error, trace)
        else:
            click.echo(f"Error: {describe(error, invocation.script)} (rustybt --debug shows the traceback)", err=True)

    sys.excepthook = hook


def warn_in_one_line() -> None:
    """Show warnings without the line of source that gave them."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        click.echo(f"Warning: {' '.join(str(message).split())}", err=True)

    warnings.showwarning = show
