"""Does `rustybt analyze caching` count what a planned run will ask twice, and refuse what is no plan?"""

import re

import pytest

SPAN = "-b mag-7 -s 2015-01-02 -e 2015-12-31"


def numbers(done):
    """Give what a report says, by name."""
    assert done.exit_code == 0, done.output
    rows = re.findall(r"^ *(\S.*?)  +(\S.*)$", done.stdout, re.MULTILINE)
    return {name.strip(): value.strip() for name, value in rows}


def test_growing_prefixes(rustybt):
    said = numbers(rustybt("analyze caching --prefixes 131:200 --outputs 4 --seconds-per-call 0.0028"))
    assert said == {
        "simulations": "70",
        "sessions simulated": "11,585",
        "distinct sessions": "200",
        "predictions": "46,340",
        "unique predictions": "800",
        "hit rate": "98.3%",
        "seconds in models without the cache": "129.75",
        "seconds in models with it": "2.24",
        "seconds saved": "127.51",
        "times less in models": "57.9",
    }


def test_many_simulations_of_the_same_days(rustybt):
    said = numbers(rustybt("analyze caching --sims 500 --sessions 252"))
    assert (said["predictions"], said["unique predictions"], said["hit rate"]) == ("126,000", "252", "99.8%")
    assert "seconds saved" not in said


def test_each_worker_has_a_cache(rustybt):
    done = rustybt("analyze caching --sims 500 --sessions 252 --workers 4")
    assert numbers(done)["unique predictions"] == "1,008"
    assert "Each of the 4 processes computes a prediction once, at most." in done.stdout


def test_a_model_without_cost_saves_nothing(rustybt):
    said = numbers(rustybt("analyze caching --sims 2 --sessions 5 --seconds-per-call 0"))
    assert said["seconds saved"] == "0.00"
    assert "times less in models" not in said


@pytest.mark.usefixtures("ingested")
def test_an_optimization_of_a_file(rustybt):
    said = numbers(rustybt(f"analyze caching -f crossover.py {SPAN}"))
    assert (said["simulations"], said["sessions simulated"], said["distinct sessions"]) == ("6", "1,512", "252")
    said = numbers(rustybt(f"analyze caching -f crossover.py {SPAN} --search random --trials 4 --outputs 2"))
    assert (said["simulations"], said["predictions"], said["unique predictions"]) == ("4", "2,016", "504")


@pytest.mark.usefixtures("ingested")
def test_a_bound_says_that_it_is_one(rustybt):
    walk = "--in-sample 100 --out-of-sample 50 --anchored"
    done = rustybt(f"analyze caching -f crossover.py -b mag-7 -s 2015-01-02 -e 2015-12-29 {walk}")
    assert numbers(done)["simulations"] == "≤ 21"
    assert "At most: the search may stop, shorten or share backtests." in done.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "Say what is planned by one of --prefixes, --sims with --sessions, and -f"),
        ("--prefixes 1:2 --sims 3 --sessions 4", "Say what is planned by one of"),
        ("--sims 3", "--sims and --sessions belong together"),
        ("--sessions 3", "--sims and --sessions belong together"),
        ("--prefixes 131-200", "'131-200' is not of the form FIRST:LAST, such as 131:200"),
        ("--prefixes 1:2 -b mag-7 --trials 3", "--bundle, --trials: only with -f FILE"),
        ("--sims 0 --sessions 4", "0 is not in the range x>=1"),
        ("--prefixes 1:2 --seconds-per-call -1", "-1.0 is not in the range x>=0"),
    ],
)
def test_what_is_no_plan_is_refused(rustybt, line, message):
    done = rustybt(f"analyze caching {line}")
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())


def test_prefixes_that_shrink_are_one_line(one_line):
    assert "shortest first" in one_line("analyze caching --prefixes 200:131")


def test_a_missing_file_is_one_line(one_line):
    assert "missing.py" in one_line(f"analyze caching -f missing.py {SPAN}")
