"""Which combination looks good, by what is known on each part of the budget?"""

from collections.abc import Collection, Hashable, Mapping

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.study import Study
from optuna.trial import Trial, TrialState, create_trial

from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.search.base import Feedback
from rustybt.optimization.search.optuna_proposals import MAX_ASKS, bounded, missed_by, quiet
from rustybt.optimization.search.optuna_space import distributions_of, params_of, values_of


class BudgetModels:
    """A tree-structured Parzen estimator a budget, each in an in-memory study of its own.

    The one of the largest budget with enough results proposes. Enough are d + 3 with a loss, for d parameters that can
    vary: one more than dimensions, and two (Falkner et al. 2018, section 3.2). What it proposed counts as bad until
    something is known of it, so that proposals spread out.

    Parameters
    ----------
    space : ParameterSpace
        With all conditions; the models learn where they refuse.
    seed : int
        At least 0.
    """

    def __init__(self, space: ParameterSpace, seed: int) -> None:
        self.space, self._seed = space, seed
        self.needed = sum(parameter.size != 1 for parameter in space.parameters.values()) + 3
        self._distributions = distributions_of(space)
        self._studies: dict[int, Study] = {}
        self._known: dict[int, int] = {}
        self._open: dict[Hashable, tuple[Study, Trial]] = {}

    def budget(self, least: int = 1) -> int | None:
        """Give the largest budget with enough results, or None where none from `least` on has."""
        enough = (budget for budget, known in self._known.items() if known >= self.needed and budget >= least)
        return max(enough, default=None)

    def learn(self, budget: int, params: Params, feedback: Feedback) -> None:
        """Take what came of params on a budget; what has no loss is known to be bad.

        Parameters
        ----------
        budget : int
            Blocks.
        params : dict
            In normal form.
        feedback : Feedback
            Of one objective.
        """
        study = self._study(budget)
        self._close(self.space.encode(params))
        values = values_of(self.space, params)
        study.add_trial(
            create_trial(
                params=values,
                distributions={name: self._distributions[name] for name in values},
                value=bounded(feedback.losses)[0] if feedback.has_losses else 0.0,
                constraints={str(place): violation for place, violation in enumerate(violations_of(feedback))},
            )
        )
        self._known[budget] = self._known.get(budget, 0) + feedback.has_losses

    def suggest(self, known: Collection[Hashable], least: int = 1) -> Params | None:
        """Propose params.

        Parameters
        ----------
        known : collection of keys
            Of params that are not to be proposed.
        least : int, optional
            Results on smaller budgets than this are not looked at.

        Returns
        -------
        dict or None
            None where no budget has enough results, or where the model has nothing else to offer.
        """
        budget = self.budget(least)
        if budget is None:
            return None
        study = self._study(budget)
        found = ask_for_other(study, self.space, self._distributions, known)
        if found is None:
            return None
        trial, params = found
        self._open[self.space.encode(params)] = study, trial
        return params

    def _close(self, key: Hashable) -> None:
        """Withdraw what counted as bad while nothing was known of it."""
        if key in self._open:
            study, trial = self._open.pop(key)
            study.tell(trial, state=TrialState.FAIL)

    def _study(self, budget: int) -> Study:
        if budget not in self._studies:
            seed = int(np.random.SeedSequence((self._seed, budget)).generate_state(1)[0])
            with quiet():
                # Grouped, it models a parameter that is not always active over the results where it was.
                sampler = TPESampler(seed=seed, n_startup_trials=1, group=self.space.has_inactive)
                self._studies[budget] = optuna.create_study(sampler=sampler)
        return self._studies[budget]


def ask_for_other(
    study: Study, space: ParameterSpace, distributions: Mapping[str, BaseDistribution], known: Collection[Hashable]
) -> tuple[Trial, Params] | None:
    """Ask a study for params that are allowed and not known.

    Parameters
    ----------
    study : Study
        Learns what the conditions refuse as infeasible; what is known is withdrawn.
    space : ParameterSpace
        With all conditions.
    distributions : mapping of str to BaseDistribution
        The space's.
    known : collection of keys
        Of params that are not wanted.

    Returns
    -------
    tuple of (Trial, dict) or None
        The running trial and its params; None after MAX_ASKS attempts.
    """
    for _ in range(MAX_ASKS):
        trial = study.ask(dict(distributions))
        params = params_of(space, trial.params)
        if space.encode(params) in known:
            study.tell(trial, state=TrialState.FAIL)
        elif not space.allows(params):
            trial.set_constraint("0", 1.0)
            study.tell(trial, 0.0)
        else:
            return trial, params
    return None


def violations_of(feedback: Feedback) -> list[float]:
    """Give what TPE is told as constraints: 1 for no loss, else 0, and how far each constraint is missed."""
    return [0.0 if feedback.has_losses else 1.0, *map(missed_by, feedback.violations)]
