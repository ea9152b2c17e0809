"""Trials of every kind to keep in a journal, the same in every process, and how to tell that one came back whole.

Run as a program, it appends them to a journal as fast as it can, and says after each that it was taken.
"""

import math
import os
import random
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

from rustybt.errors import JournalNotFound
from rustybt.optimization.journal import Journal
from rustybt.optimization.trial import Trial, TrialStatus

HEADER = {
    "strategy": "Crossover",
    "strategy_digest": "a1",
    "bundle": "mag-7",
    "fingerprint": "f0",
    "search": {"seed": 7},
    "seed": 7,
}
STUDIES = ("search", "window 3", 'odd "study" \\ \n é')
ODD_FLOATS = (math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1 + 0.2, 1e22, 1.7976931348623157e308)
ROOT = Path(__file__).parents[2]


def study_at(number):
    return STUDIES[number % 3]


def keys_at(number):
    return (number, number + 0.5, f"word {number}", None, number % 2 == 0, ODD_FLOATS[number % 8])


def budget_at(number):
    return None if number % 4 else number


def trial_at(number, bulk=1):
    """Give a trial that no other number has; the bulk makes every third one so large that its writing takes long."""
    rng = random.Random(number)
    status = rng.choice(list(TrialStatus))
    ended = status in (TrialStatus.COMPLETE, TrialStatus.STOPPED)
    size = bulk if number % 3 == 0 else 1
    return Trial(
        number,
        {},
        status,
        scores=(rng.random(), rng.choice(ODD_FLOATS)) if ended else (),
        metrics={f"metric_{i}": rng.choice((rng.gauss(0, 1e6), *ODD_FLOATS)) for i in range(rng.randrange(9))},
        seconds=rng.choice((rng.random(), math.nan)),
        error="" if ended else f"ValueError: no {number}\n\ud800 é \x00" * min(size, 1000),
        returns=rng.randbytes(rng.randrange(40)) * size if ended else b"",
        failed_constraints=("drawdown", "fills")[: rng.randrange(3)],
        budget=rng.choice((1.0, 1 / 3)),
        bars=rng.randrange(3000),
        worker=rng.randrange(1 << 22),
        is_cached=rng.random() < 0.5,
    )


def append(journal, number, bulk=1):
    journal.append(study_at(number), keys_at(number), budget_at(number), trial_at(number, bulk))


def filled(folder, total):
    """Make a journal of so many trials, and close it."""
    with Journal.create(folder, HEADER) as journal:
        for number in range(total):
            append(journal, number)
    return folder


def exactly(entry):
    """Give what tells two entries apart to the last bit and type: `repr` knows -0.0, and NaN is equal to itself."""
    return repr(entry), entry.trial.returns


def check_entry(journal, number, bulk=1):
    """Check that the journal's entry of a number is what was appended."""
    entry = journal.entries[study_at(number), number]
    trial = trial_at(number, bulk)
    wanted = type(entry)(study_at(number), keys_at(number), budget_at(number), trial)
    assert exactly(entry) == exactly(wanted)


def check_prefix(journal, bulk=1):
    """Check that the journal holds the first trials, each whole, and give their number."""
    total = len(journal.entries)
    assert set(journal.entries) == {(study_at(number), number) for number in range(total)}
    for number in range(total):
        check_entry(journal, number, bulk)
    return total


def content(folder):
    """Give every file of a folder but the lock: its bytes, and when it was last changed."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.iterdir())
        if path.name != "run.lock"
    }


def writer(folder, bulk=1):
    """Start a process that appends as fast as it can."""
    command = [sys.executable, "-m", "tests.optimization.journals", str(folder), str(bulk)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "rustybt-journal"]


def main(folder, bulk):
    try:
        journal = Journal.resume(folder, HEADER)
    except JournalNotFound:
        journal = Journal.create(folder, HEADER)
    for number in count(len(journal.entries)):
        append(journal, number, bulk)
        os.write(sys.stdout.fileno(), b"%d\n" % number)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
