"""Who takes part in a case, on which data and how often? What every case gets to work with."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from scripts.benchmarks.bench_data import DataSet
from scripts.benchmarks.contender import Contender, ContenderFailed
from scripts.benchmarks.measuring import Answer, interleave, seconds_of, times_faster
from scripts.benchmarks.report import Row

RUN_SPAN = ("2001-01-03", "2024-12-31")
QUICK_SPAN = ("2013-01-02", "2013-03-28")
CAPITAL = 1e6
MINUTE_CAPITAL = 1e5  # a position is less than a tenth of a minute's volume: open orders do not pile up


@dataclass(frozen=True)
class Options:
    """What the command line asked for.

    Attributes
    ----------
    zipline, vectorbt, peers : Path or None
        Interpreters; who has none is left out.
    repeats : int
        Rounds that count.
    quick : bool
        Tiny sizes: whether it works, not how fast it is.
    clock : {"wall", "cpu"}
        What the seconds are of.
    """

    zipline: Path | None = None
    vectorbt: Path | None = None
    peers: Path | None = None
    repeats: int = 5
    quick: bool = False
    clock: str = "wall"


class Bench:
    """Starts contenders, runs them in turns, and ends them with the case.

    Parameters
    ----------
    options : Options
        Of the command line.
    folder : Path
        Where the data is, and the contenders' roots.
    """

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.versions: dict[str, str] = {}
        self.left_out: list[str] = []
        self._running = ExitStack()
        self._started = 0

    def __enter__(self) -> "Bench":
        """Give itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the contenders of a case."""
        self._running.close()

    @property
    def span(self) -> dict[str, str]:
        """First and last day of daily runs."""
        return dict(zip(("start", "end"), QUICK_SPAN if self.options.quick else RUN_SPAN, strict=True))

    def size(self, full: Any, quick: Any) -> Any:
        """Choose between a size that is measured and one that only has to work."""
        return quick if self.options.quick else full

    def tell(self, text: str) -> None:
        """Say on standard error what is going on."""
        print(f"  {text}", file=sys.stderr, flush=True)

    def start(
        self, name: str, python: Path | None, module: str, packages: Sequence[str], **arguments: Any
    ) -> Contender | None:
        """Start a contender, or leave it out where no interpreter was given or it cannot start.

        Parameters
        ----------
        name : str
            As tables show it.
        python : Path or None
            Its interpreter.
        module : str
            Below scripts/benchmarks/contenders.
        packages : sequence of str
            Distributions whose versions the report states.
        **arguments
            For its `load`.

        Returns
        -------
        Contender or None
        """
        if python is None:
            self.leave_out(name, "no interpreter was given")
            return None
        self._started += 1
        root = self.folder / "roots" / f"{self._started}"
        root.mkdir(parents=True)
        all_arguments = {"folder": str(self.folder), "root": str(root), "packages": list(packages), **arguments}
        contender = Contender(name, python, module, all_arguments)
        self._running.callback(shutil.rmtree, root, ignore_errors=True)
        self._running.callback(contender.stop)
        try:
            about = contender.about
        except ContenderFailed as failed:
            self.leave_out(name, str(failed).splitlines()[0])
            return None
        self.versions |= {package: f"{v} (Python {about['python']})" for package, v in about["versions"].items()}
        return contender

    def compiled(self, name: str, python: Path | None, module: str, one: Answer, **arguments: Any) -> None:
        """Let a process compile what it needs and end: those that are measured then read it from numba's cache.

        A compiler's memory stays with the process that compiled, and is no part of what a run needs.

        Parameters
        ----------
        name, python, module
            As `start` takes them.
        one : dict
            A request that uses what has to be compiled.
        **arguments
            For its `load`.
        """
        with Bench(self.options, self.folder / "compiling") as apart:
            contender = python and apart.start(name, python, module, (), **{**arguments, "folder": str(self.folder)})
            if contender is not None:
                self.tell(f"{name} compiles")
                with suppress(ContenderFailed):  # it fails again where it is measured, and is left out there
                    contender.ask(**one)

    def leave_out(self, name: str, why: str) -> None:
        """Note who does not take part."""
        self.tell(f"{name} is left out: {why}")
        self.left_out.append(f"{name} is left out: {why}.")

    def own(self, *data_sets: DataSet) -> Contender:
        """Start this project on Zipline scripts over csvdirs of the bench; as `start_own` does."""
        return self.start_own("rustybt", "on_scripts", package="rustybt", data_sets=data_sets)

    def start_own(self, name: str, module: str, **arguments: Any) -> Contender:
        """Start a contender of this project.

        Raises
        ------
        ContenderFailed
            If it cannot start: there is nothing to measure then.
        """
        started = self.start(name, Path(sys.executable), module, OWN, **arguments)
        if started is None:
            raise ContenderFailed(self.left_out.pop(), is_own=True)
        return started

    def zipline(self, *data_sets: DataSet) -> Contender | None:
        """Start Zipline on the same."""
        packages = ("zipline-reloaded",)
        return self.start(
            "Zipline", self.options.zipline, "on_scripts", packages, package="zipline", data_sets=data_sets
        )

    def rounds(
        self, runs: Mapping[str, Callable[[], Answer]], repeats: int | None = None, warm_up: int = 1
    ) -> dict[str, list[Answer]]:
        """Run contenders in turns; one that fails is left out with the reason, unless it is this project."""
        alive: dict[str, Callable[[], Answer]] = {}
        for name, run in runs.items():
            try:
                self.tell(f"{name}, warm-up")
                for _ in range(max(warm_up, 1)):
                    run()
                alive[name] = run
            except ContenderFailed as failed:
                if failed.is_own:
                    raise
                self.leave_out(name, str(failed))
        return interleave(alive, repeats or self.repeats, 0, self.tell)

    @property
    def repeats(self) -> int:
        """Rounds that count."""
        return 1 if self.options.quick else self.options.repeats

    def seconds(self, answers: Sequence[Answer]) -> list[float]:
        """Give the seconds of each round."""
        return seconds_of(answers, self.options.clock)

    def faster(self, slow: Sequence[Answer], fast: Sequence[Answer]) -> float:
        """Give how many times faster, the median over rounds."""
        return times_faster(self.seconds(slow), self.seconds(fast))

    def rows(self, answers: Mapping[str, list[Answer]]) -> list[Row]:
        """Give a table's rows: seconds, memory and what came out."""
        return [
            Row(name, self.seconds(got), got[-1].get("value"), got[-1].get("peak_mb"), got[-1].get("note", ""))
            for name, got in answers.items()
        ]


OWN = ("rustybt", "numpy", "pandas", "numba")
