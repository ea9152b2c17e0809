"""What does `%%rustybt` do in a notebook? Run the cell as a strategy; `%rustybt` runs what the notebook defines."""

import shlex
from typing import Any

import click
import pandas as pd
from IPython import get_ipython
from IPython.core.error import UsageError

from rustybt.cli.backtest import Request, backtest
from rustybt.cli.boundary import Invocation
from rustybt.cli.profile import run_profiled
from rustybt.cli.run import note_missing_benchmark, run
from rustybt.engine.extensions import load_extensions
from rustybt.profiling import Profile
from rustybt.results.export import write_perf


def rustybt_magic(line: str, cell: str | None = None) -> pd.DataFrame | None:
    """Run a backtest by the options of `rustybt run`, and give its perf frame.

    Parameters
    ----------
    line : str
        Options, such as "-b mag-7 --start 2015-01-02 --end 2015-12-31".
    cell : str, optional
        The strategy's text, executed in a namespace of its own, or with --local-namespace in the notebook's. Without a
        cell, in a line magic, the strategy is what the notebook has defined.

    Returns
    -------
    pd.DataFrame or None
        None where only help was asked for.

    Raises
    ------
    UsageError
        If the options are not those of `rustybt run`.
    """
    load_extensions(default=True, extensions=(), strict=True)
    arguments = ["--algotext", cell] if cell is not None else ["--algotext", "", "--local-namespace"]
    try:
        done = magic.main([*arguments, *shlex.split(line)], prog_name="%%rustybt", standalone_mode=False)
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None
    return done if isinstance(done, pd.DataFrame) else None


def run_in_notebook(local_namespace: bool, **options: Any) -> pd.DataFrame:
    """Run what the magic asks for."""
    request = Request(**options)

    def work(profile: Profile | None) -> pd.DataFrame:
        done = backtest(Invocation(), request, get_ipython().user_ns if local_namespace else None)
        note_missing_benchmark(done, request)
        if request.perf_file is not None:
            write_perf(done.result.perf, request.perf_file)
        return done.result.perf

    return run_profiled(request.profile, request.folder, request.title, work)


magic = click.Command(
    "rustybt",
    params=[
        *run.params,
        click.Option(
            ["--local-namespace/--no-local-namespace"],
            default=False,
            help="Execute the cell among the notebook's own names, and let it define more of them.",
        ),
    ],
    callback=run_in_notebook,
    help=run.help,
)
