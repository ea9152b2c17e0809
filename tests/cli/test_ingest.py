"""Do the bundle commands do what they say, and say in one line what is wrong with the data?"""

import re

import pytest

HEADER = "date,open,high,low,close,volume\n"
ROWS = [
    "2020-01-02,10,11,9,10.5,1000\n",
    "2020-01-03,10.5,12,10,11,1000\n",
    "2020-01-06,11,12,10,11.5,1000\n",
]
GOOD = HEADER + "".join(ROWS)


@pytest.fixture
def prices(workplace):
    """A folder with one good file."""
    folder = workplace / "prices/daily"
    folder.mkdir(parents=True)
    (folder / "AAA.csv").write_text(GOOD)
    return folder


def test_the_sample_says_that_it_is_synthetic(rustybt):
    done = rustybt("ingest -b mag-7")
    assert done.exit_code == 0, done.output
    assert "mag-7: 8 symbols, 40,987 daily bars, 2000-01-03 to 2024-12-31 (XNYS)\n" in done.stdout
    assert "SYNTHETIC" in done.stdout
    listed = rustybt("bundles").stdout
    assert "SYNTHETIC" in listed
    assert "40,987 daily bars" in listed


def test_bundles_lists_what_was_never_ingested(rustybt, data_root):
    listed = rustybt("bundles").stdout.splitlines()
    assert "mag-7 (not ingested yet)" in listed
    assert listed[-1] == f"in {data_root}"


def test_a_folder_becomes_a_bundle_that_can_be_read_again(rustybt, prices):
    done = rustybt("ingest csvdir prices --name mine")
    assert done.stdout == "mine: 1 symbol, 3 daily bars, 2020-01-02 to 2020-01-06 (XNYS)\n"
    (prices / "AAA.csv").write_text(GOOD + "2020-01-07,11,12,10,11.5,1000\n")
    assert "4 daily bars" in rustybt("ingest -b mine").stdout
    assert rustybt("bundles").stdout.count("daily bars") == 2


def test_minutes_are_counted_where_there_are_some(rustybt, prices):
    minutes = prices.with_name("minute")
    minutes.mkdir()
    (minutes / "AAA.csv").write_text(
        HEADER + "2020-01-02 14:31,10,11,9,10.5,1000\n2020-01-06 21:00,10,11,9,10.5,1000\n"
    )
    done = rustybt("ingest csvdir prices --name mine")
    assert done.stdout == "mine: 1 symbol, 3 daily bars, 2 minute bars, 2020-01-02 to 2020-01-06 (XNYS)\n"
    assert "3 daily bars, 2 minute bars" in rustybt("bundles").stdout


def test_missing_sessions_are_named(rustybt, prices):
    (prices / "AAA.csv").write_text(HEADER + ROWS[0] + ROWS[2])
    done = rustybt("ingest csvdir prices --name mine")
    assert done.exit_code == 0, done.output
    assert "Gap: AAA has no bar on 1 of its sessions, the first on 2020-01-03\n" in done.stderr


def test_a_split_that_the_prices_do_not_show_is_named(rustybt, prices):
    rows = [row.rstrip() + f",0,{split}\n" for row, split in zip(ROWS, (1, 2, 1), strict=True)]
    (prices / "AAA.csv").write_text(HEADER.rstrip() + ",dividend,split\n" + "".join(rows))
    shown = [row.replace("10.5,12,10,11", "5.25,6,5,5.5") for row in rows[1:]]
    (prices / "BBB.csv").write_text(HEADER.rstrip() + ",dividend,split\n" + rows[0] + "".join(shown))
    done = rustybt("ingest csvdir prices --name mine")
    assert done.exit_code == 0, done.output
    assert done.stderr == (
        "Split: AAA splits 2 for 1 on 2020-01-03, but its close goes from 10.5 to 11: "
        "leave the split out if the prices are adjusted for it already\n"
    )


def test_clean_keeps_what_it_is_told(rustybt, prices):
    for _ in range(3):
        assert rustybt("ingest csvdir prices --name mine").exit_code == 0
    done = rustybt("clean -b mine --keep-last 1")
    assert len(done.stdout.splitlines()) == 2
    assert rustybt("clean -b mine --keep-last 1").stdout == "nothing to delete\n"
    assert rustybt("bundles").stdout.count("daily bars") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("ingest -b nope", "bundle 'nope' is not known"),
        ("ingest csvdir nowhere --name x", "nowhere is not a directory"),
        ("ingest csvdir prices --name mag-7", "name 'mag-7' belongs to a registered bundle"),
        ("ingest csvdir prices --name ../up", "bundle name '../up' cannot be the name of a folder"),
        ("ingest csvdir prices --name x --calendar XYZ", "calendar 'XYZ' is not known"),
        ("clean -b nope -k 1", "bundle 'nope' is not known"),
        ("clean -b mag-7", "clean needs a rule"),
    ],
)
def test_bad_input_is_one_line(one_line, prices, arguments, message):
    assert message in one_line(arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("close", "last"), "close"),
        (GOOD.replace("11.5", "n/k"), "n/k"),
        (GOOD.replace("10.5,12,10", "10.5,9,10"), "high"),
        (GOOD + ROWS[2].replace("11.5", "11.6"), "2020-01-06"),
        (HEADER + "2020-01-04,1,1,1,1,1", "2020-01-04"),
        (GOOD.replace("2020-01-03", "2020-31-03"), "2020-31-03"),
        ("", "AAA.csv"),
    ],
    ids=["no column", "text", "high below low", "two rows of a day", "no session", "no date", "empty"],
)
def test_bad_data_is_one_line_and_leaves_the_older_version(rustybt, one_line, prices, text, message):
    assert rustybt("ingest csvdir prices --name mine").exit_code == 0
    (prices / "AAA.csv").write_text(text)
    line = one_line("ingest csvdir prices --name mine")
    assert "AAA.csv" in line
    assert re.search(message, line)
    assert rustybt("bundles").stdout.count("3 daily bars") == 1


@pytest.mark.parametrize("arguments", ["ingest", "ingest -b x csvdir prices --name y", "ingest csvdir prices"])
def test_wrong_usage_is_exit_code_2(rustybt, arguments):
    assert rustybt(arguments).exit_code == 2
