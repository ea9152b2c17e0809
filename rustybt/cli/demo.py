"""What does the whole product look like, on a bundle that is embedded?"""

from pathlib import Path

import click

from rustybt.cli import crossover
from rustybt.cli.trials import print_result, run_and_keep
from rustybt.data.bundles import ingest, load
from rustybt.data.store import BundleData
from rustybt.errors import UnknownBundle
from rustybt.optimization.optimizer import Optimizer

BUNDLE = "mag-7"
START, END = "2010-01-04", "2019-12-31"


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("results/demo"),
    show_default=True,
    metavar="DIR",
    help="Folder for trials.parquet and perf.parquet.",
)
@click.option("--workers", type=int, help="Processes.  [default: one a core]")
def demo(out: Path, workers: int | None) -> None:
    """Optimize a two-moving-average crossover on eight stocks over ten years, and show the ten best.

    The stocks' prices are synthetic: they have the names of real companies, and nothing else of them.
    """
    data = sample()
    optimizer = Optimizer(
        strategy_class=crossover.Crossover,
        bundle=data,
        start=START,
        end=END,
        objective="sharpe",
        num_workers="auto" if workers is None else workers,
    )
    result = run_and_keep(optimizer, out)
    print_result(result, data, out)
    params = " ".join(f"-p {name}={value}" for name, value in result.best.params.items())
    click.echo(f"Run the best alone: rustybt run -f {crossover.__file__} -b {BUNDLE} -s {START} -e {END} {params}")


def sample() -> BundleData:
    """Open the embedded bundle, ingesting it where that was not done yet."""
    try:
        return load(BUNDLE)
    except UnknownBundle:
        click.echo(f"ingesting the sample bundle {BUNDLE} ...", err=True)
        ingest(BUNDLE, show_progress=True)
        return load(BUNDLE)
