"""Do the commands that download say what they made, and in one line what failed?"""

import pytest

from tests.data.bundles.file_server import running

TEXT = b"date,open,high,low,close,volume\n2020-01-02,10,11,9,10.5,1000\n2020-01-03,10.5,12,10,11,1000\n"


@pytest.fixture
def server():
    with running() as made:
        made.files |= {"/A.csv": TEXT, "/B.csv": TEXT}
        yield made


def test_files_on_a_server_become_a_bundle_that_can_be_read_again(rustybt, server, workplace, monkeypatch):
    monkeypatch.setenv("TOKEN", "t0k3n")
    template = f"{server.url}/{{symbol}}.csv"
    done = rustybt(
        "ingest http --name far --symbols A,B --rate 100 --connections 2 --header", "X-Key: $TOKEN", template
    )
    assert done.stdout == "far: 2 symbols, 4 daily bars, 2020-01-02 to 2020-01-03 (XNYS)\n", done.output
    assert {one.headers["X-Key"] for one in server.asked} == {"t0k3n"}
    (workplace / "list").write_text("A\n")
    done = rustybt("ingest http --name far --symbols-file list", template)
    assert done.stdout.startswith("far: 1 symbol, 2 daily bars"), done.output
    assert rustybt("ingest -b far").stdout.startswith("far: 1 symbol, 2 daily bars")


def test_minutes(rustybt, server):
    server.files["/A.csv"] = b"date,open,high,low,close,volume\n2020-01-02 14:31,1,1,1,1,1\n"
    done = rustybt("ingest http --minute --name far --symbols A", f"{server.url}/{{symbol}}.csv")
    assert done.stdout.startswith("far: 1 symbol, 1 daily bars, 1 minute bars"), done.output


def test_failures_are_one_line(one_line, server):
    template = f"{server.url}/{{symbol}}.csv"
    assert one_line("ingest http --name far --symbols A,NO", template).startswith(
        f"NO: {server.url}/NO.csv answers 404 Not Found: correct the symbol or the template"
    )
    assert "there are no symbols" in one_line("ingest http --name far", template)


@pytest.mark.parametrize("line", ["X-Key", "X-Key:", ": $TOKEN"])
def test_a_header_that_is_none_is_a_usage_error(rustybt, line):
    done = rustybt("ingest http --name far --symbols A https://a.b/{symbol} --header", line)
    assert done.exit_code == 2 and "is not of the form 'NAME: $VARIABLE'" in done.stderr


def test_yfinance_that_is_not_installed(one_line, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "yfinance", None)
    assert 'pip install "rustybt[yfinance]"' in one_line("ingest yfinance --name y --symbols AAPL --start 2020-01-02")
