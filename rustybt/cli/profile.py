"""How is a command asked where its time went, and how does it answer?"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO, TypeVar

import click
from rich.table import Table

from rustybt.cli.tables import console_for
from rustybt.errors import InvalidParameter
from rustybt.profiling import Profile
from rustybt.profiling.flame import write_flame_graph

PAGE_FILE = "profile.html"
BESIDE = ""
"""What --profile is without a file."""

Result = TypeVar("Result")


def profile_option(place: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give the option, whose help says in which place the page lies if no file is named."""
    return click.option(
        "--profile",
        is_flag=False,
        flag_value=BESIDE,
        metavar="[FILE.html]",
        help="Print where the time went, and write a flame graph for a browser.  "
        f"[if no FILE follows: {PAGE_FILE} {place}]",
    )


def run_profiled(asked: str | None, folder: Path, title: str, work: Callable[[Profile | None], Result]) -> Result:
    """Do a command's work, and where a profile is asked for, print and write it; also where Ctrl-C ends the work.

    Parameters
    ----------
    asked : str, optional
        The option's value.
    folder : Path
        For the page, if the option names none; made if missing.
    title : str
        Of the page.
    work : callable of (profile)
        What the command does; takes None if no profile is asked for.

    Returns
    -------
    object
        What the work returned.

    Raises
    ------
    InvalidParameter, CannotProfile
        Before the work, if there is no place for the page, or no way to a profile.
    """
    if asked is None:
        return work(None)
    path = folder / PAGE_FILE if asked == BESIDE else checked_page(Path(asked))
    profile = Profile()
    try:
        with profile:
            result = work(profile)
    except KeyboardInterrupt:
        report(profile, path, title, sys.stderr)
        raise
    report(profile, path, title, sys.stdout)
    return result


def checked_page(path: Path) -> Path:
    """Give the page's path back, or say why it cannot be written there.

    Raises
    ------
    InvalidParameter
        If it is no .html file, which spares a strategy's file named by mistake, or its folder does not exist.
    """
    if path.suffix not in (".html", ".htm"):
        raise InvalidParameter(f"profile {str(path)!r} is a page for a browser: give it a name that ends in .html")
    if not path.parent.is_dir():
        folder = str(path.parent)
        raise InvalidParameter(f"profile {str(path)!r} is in a folder that does not exist: make {folder!r} first")
    return path


def report(profile: Profile, path: Path, title: str, stream: TextIO) -> None:
    """Print the table, write the page, and say where it is."""
    console_for(stream).print(table_of(profile))
    if profile.was_stopped:
        click.echo(
            "The strategy uses the timer's signal SIGALRM itself: not all of its time was looked at.", file=stream
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_flame_graph(profile, path, title)
    click.echo(f"flame graph: {path}", file=stream)


def table_of(profile: Profile) -> Table:
    """Give seconds and shares by kind of work, of this process and, where there are some, of its workers."""
    table = Table(title="Where the time went", title_justify="left", header_style="bold")
    table.add_column("")
    for name in ("seconds", f"{profile.workers} workers, seconds") if profile.workers else ("seconds",):
        table.add_column(name, justify="right")
        table.add_column("share", justify="right")
    totals = (profile.seconds, profile.workers_seconds)[: 2 if profile.workers else 1]
    rows = [(row.category.value, (row.seconds, row.workers_seconds)) for row in profile.rows()]
    for name, values in rows:
        table.add_row(name, *cells(values, totals))
    table.add_section()
    table.add_row("total", *cells(totals, totals))
    return table


def cells(values: tuple[float, ...], totals: tuple[float, ...]) -> list[str]:
    """Give seconds and share of each total.

    Examples
    --------
    >>> cells((0.5, 3.0), (2.0, 4.0)), cells((0.5, 0.0), (2.0,))
    (['0.50', '25.0%', '3.00', '75.0%'], ['0.50', '25.0%'])
    """
    pairs = zip(values, totals, strict=False)  # without workers there is one total
    return [text for value, total in pairs for text in (f"{value:.2f}", f"{value / total if total else 0.0:.1%}")]
