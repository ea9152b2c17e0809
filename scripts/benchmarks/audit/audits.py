"""What does an audit find? Paired tests against the plain loop, the share of each layer, and whether criteria hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scripts.benchmarks.audit.paired import ALPHA, PairedTest, holm, paired_test, power
from scripts.benchmarks.audit.pairs import Measured, run_pairs
from scripts.benchmarks.audit.sides import FULL, LOOP, WITHOUT, Sides, in_turns, loop_side, optimizer_side, without_one
from scripts.benchmarks.audit.workload import Scale

MICRO_RATIO: Final = 1.03
"""At micro scale, where layers cannot bring much, this ratio to the plain loop must not be passed."""

FEWEST_PAIRS: Final = 10
MICRO_TIMES: Final = 3
"""Processes of a side in each round of a micro audit, of which that of the median time counts."""

PRODUCTION_GAIN: Final = 0.40
PRODUCTION_FACTOR: Final = 4.0


@dataclass(frozen=True)
class Criterion:
    """A demand on a figure: its words, what was found, whether it holds, and what a reader has to know beside."""

    text: str
    found: float
    holds: bool
    note: str = ""


@dataclass
class Audit:
    """What was found at one scale.

    Attributes
    ----------
    name : str
        Such as "grid, production".
    scale : Scale
        What was run.
    workers : int
        Of the Optimizer.
    seconds : dict of str to list of float
        Of each side, one a round.
    gain : PairedTest
        The sides that `words` name.
    layers : dict of str to PairedTest
        All layers against all but one.
    others : dict of str to PairedTest
        All layers against further baselines.
    criteria : list of Criterion
        That this audit has to meet.
    notes : dict of str to object
        What sides say of themselves in their last run.
    words : str
        What is compared with what.
    """

    name: str
    scale: Scale
    workers: int
    seconds: dict[str, list[float]]
    gain: PairedTest
    layers: dict[str, PairedTest] = field(default_factory=dict)
    others: dict[str, PairedTest] = field(default_factory=dict)
    criteria: list[Criterion] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    words: str = "all layers against the plain loop"

    @property
    def adjusted(self) -> dict[str, float]:
        """The layers' p-values after Holm: that a layer saves no time."""
        return holm({layer: test.p for layer, test in self.layers.items()})

    @property
    def adjusted_costs(self) -> dict[str, float]:
        """The layers' p-values after Holm: that a layer costs no time."""
        return holm({layer: 1 - test.p for layer, test in self.layers.items()})

    @property
    def holds(self) -> bool:
        """Whether every criterion is met."""
        return all(criterion.holds for criterion in self.criteria)


def run_audit(
    name: str,
    scale: Scale,
    *,
    workers: int,
    runs: int,
    leaves_out: bool = False,
    others: Sides | None = None,
    takes_turns: bool = False,
    seed: int = 0,
    told: Callable[[str], None] | None = None,
) -> Audit:
    """Time the sides in pairs and test what was found.

    Parameters
    ----------
    name : str
        Of the audit.
    scale : Scale
        What is run.
    workers : int
        Of the Optimizer.
    runs : int
        Pairs.
    leaves_out : bool
        Time the Optimizer without each layer too.
    others : dict of str to callable, optional
        Further baselines.
    takes_turns : bool
        Let the sides take turns in each round, several processes of each; for short runs in one process.
    seed : int
        Of the order of sides.
    told : callable of (str), optional
        Hears of each run before it.

    Returns
    -------
    Audit
        Without criteria.

    Raises
    ------
    UnequalResults
        If two sides find different results.
    """
    asked = {**loop_side(scale), FULL: optimizer_side(scale, workers)}
    if leaves_out:
        asked |= without_one(scale, workers)
    if takes_turns:
        found = run_pairs(asked, runs, seed, told, in_turns(asked, MICRO_TIMES))
    else:
        found = run_pairs({**asked, **(others or {})}, runs, seed, told)
    return audit_of(name, scale, workers, found)


def audit_of(name: str, scale: Scale, workers: int, found: Mapping[str, list[Measured]]) -> Audit:
    """Test what was measured."""
    seconds = {side: [one.seconds for one in measured] for side, measured in found.items()}
    layers = {
        side.removeprefix(WITHOUT): paired_test(times, seconds[FULL])
        for side, times in seconds.items()
        if side.startswith(WITHOUT)
    }
    others = [side for side in seconds if side not in (LOOP, FULL) and not side.startswith(WITHOUT)]
    return Audit(
        name=name,
        scale=scale,
        workers=workers,
        seconds=seconds,
        gain=paired_test(seconds[LOOP], seconds[FULL]),
        layers=layers,
        others={side: paired_test(seconds[side], seconds[FULL]) for side in others},
        notes={side: measured[-1].notes for side, measured in found.items()},
    )


def pairs_criterion(test: PairedTest) -> Criterion:
    """Give what every audit has to meet before it says anything."""
    return Criterion(f"at least {FEWEST_PAIRS} pairs", test.pairs, test.pairs >= FEWEST_PAIRS)


def micro_criteria(test: PairedTest) -> list[Criterion]:
    """Give what a micro audit has to meet: layers that cannot pay yet must not cost either."""
    text = f"the upper 95% bound of the ratio to the plain loop is at most {MICRO_RATIO}"
    chance = power(1 - 1 / MICRO_RATIO, test.deviation, test.pairs) if test.deviation > 0 else 1.0
    note = f"where both take the same time, {chance:.0%} of such audits would find it: the ratio is {test.ratio:.3f}"
    return [pairs_criterion(test), Criterion(text, test.at_most, test.at_most <= MICRO_RATIO, note)]


def production_criteria(test: PairedTest) -> list[Criterion]:
    """Give what a production audit has to meet, over a grid or windows."""
    return [
        pairs_criterion(test),
        Criterion(
            f"the lower 95% bound of the gain is at least {PRODUCTION_GAIN:.0%}",
            test.gain_at_least,
            test.gain_at_least >= PRODUCTION_GAIN,
        ),
        Criterion(f"the gain is none of chance: p below {ALPHA}", test.p, test.p < ALPHA),
    ]


def factor_criterion(test: PairedTest) -> Criterion:
    """Give what all layers and two workers together have to come to over a grid of production scale."""
    text = f"at least {PRODUCTION_FACTOR:g} times faster than the plain loop"
    return Criterion(text, test.factor, test.factor >= PRODUCTION_FACTOR)
