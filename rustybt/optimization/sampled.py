"""How do worker processes say where their time went?

Their job samples each of its trials, and sends what it saw along with the trial's value. So any pool can carry it, what
is seen survives an interrupted run and a worker that dies later, and a job that is not sampled knows nothing of it.
"""

import os
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from rustybt.errors import CannotProfile
from rustybt.optimization.workers.base import Job, Outcome, Preparation, TaskFunction
from rustybt.profiling.profile import Profile
from rustybt.profiling.sampler import Sampler, Samples


class Sampled(NamedTuple):
    """What a task's function returned, and what was seen since the last one that returned."""

    value: Any
    samples: Samples


@dataclass(frozen=True)
class SampledJob:
    """A job that looks at itself in every process but the one that asked for it, which has a profile of its own.

    Attributes
    ----------
    job : Job
        What is run.
    asking_pid : int
        Of the process that asked.
    interval_s : float
        Time between two samples.
    """

    job: Job
    asking_pid: int
    interval_s: float

    @staticmethod
    def of(job: Job, profile: Profile) -> "SampledJob":
        """Give the job that this process's profile is to be told of."""
        return SampledJob(job, os.getpid(), profile.interval_s)

    @property
    def preparation(self) -> Preparation:
        """What the job itself will use."""
        return self.job.preparation

    def open(self) -> TaskFunction:
        """Give the function of a task, which returns `Sampled`."""
        function = self.job.open()
        if os.getpid() == self.asking_pid:
            return lambda payload: Sampled(function(payload), Samples(0.0, {}))
        sampler = Sampler(self.interval_s)

        def run_sampled(payload: Any) -> Sampled:
            try:
                sampler.start()
            except CannotProfile:  # an earlier trial took the timer and kept it
                return Sampled(function(payload), Samples(0.0, {}, was_stopped=True))
            try:
                value = function(payload)
            finally:
                sampler.stop()
            return Sampled(value, sampler.take())

        return run_sampled


def keep_samples(
    outcomes: Generator[tuple[int, Outcome], None, None], profile: Profile, num_workers: int
) -> Generator[tuple[int, Outcome], None, None]:
    """Pass outcomes of a sampled job on as those of the job itself, and add what was seen to a profile.

    Parameters
    ----------
    outcomes : generator
        Of a pool.
    profile : Profile
        Gets the samples.
    num_workers : int
        Processes of the pool.

    Yields
    ------
    tuple of (int, Outcome)
        As the pool gave them, with the value that the job's function returned.
    """
    began = time.perf_counter()
    try:
        with closing(outcomes):
            for number, outcome in outcomes:
                if isinstance(outcome.value, Sampled):
                    profile.add_samples(outcome.value.samples)
                    outcome = outcome._replace(value=outcome.value.value)
                yield number, outcome
    finally:
        profile.add_workers(num_workers, time.perf_counter() - began)
