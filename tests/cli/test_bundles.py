"""Bundles are listed and timed, and the doctor speaks."""

import re

import pytest

from tests.builders import bars, make_bundle

pytestmark = pytest.mark.usefixtures("ingested")


def test_bundles_are_listed(rustybt):
    done = rustybt("bundles")
    assert done.exit_code == 0 and "8 symbols, 40,987 daily bars" in done.output


def test_a_profile_times_queries_on_one_connection(rustybt):
    done = rustybt("bundles profile mag-7 --repeats 2 --slow 0")
    assert done.exit_code == 0, done.output
    assert re.search(r"one asset +6,289 +\d+\.\d\d +\d+\.\d\d", done.output)
    assert re.search(r"1 opened in \d+\.\d ms, 10 reused, 0 evicted, 0 out of date; 10 queries", done.output)
    assert len(re.findall(r"^slow: \d\.\d{3} s, ", done.output, re.MULTILINE)) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mag-7", "--query", "COPY (SELECT 1) TO 'x'"], "COPY is no query: a bundle is only read"),
        (["mag-7", "--query", "SELECT 1; SELECT 2"], "2 statements: pass one query at a time"),
        (["nag-7"], r"bundle 'nag-7' is not known \(did you mean 'mag-7'\?\)"),
        (["mag-7", "--query", "SELECT nothing FROM bars_daily"], "^Binder Error: .*nothing"),
    ],
)
def test_what_cannot_be_run_is_one_line(one_line, arguments, message):
    assert re.search(message, one_line("bundles profile", *arguments))


@pytest.mark.parametrize(
    "query",
    [
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/daily.parquet' (FORMAT parquet)",
        "EXPLAIN ANALYZE CREATE OR REPLACE VIEW bars_daily AS SELECT 99",
        "WITH x AS (COPY (SELECT 1) TO '{folder}/daily.parquet' (FORMAT parquet)) SELECT * FROM x",
        "WITH x AS (COPY (SELECT 1) TO '{folder}/more.parquet' (FORMAT parquet)) SELECT * FROM x",
    ],
)
def test_a_query_that_writes_is_refused_and_changes_no_file(one_line, data_root, query):
    folder = make_bundle({"A": bars([10.0, 11.0])}, name="kept").path
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    said = one_line("bundles profile", "kept", "--query", query.format(folder=folder))
    assert re.search(r"is no query|which is not known to read only|Parser Error", said)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_doctor_shows_what_it_found_and_what_to_do(rustybt):
    done = rustybt("doctor")
    assert done.exit_code == 0 and re.search(r"^cores +\d+ physical", done.output)
    assert 'num_workers="auto" starts' in done.output
