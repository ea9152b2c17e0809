"""Files on a server become the bundle that they would become in a folder, and no secret gets into its manifest."""

import gzip
import json
import re

import pandas as pd
import pytest

from rustybt.data import bundles
from rustybt.data.bundles import extras
from rustybt.data.bundles.url_template import checked_headers, checked_template, wanted_file
from rustybt.errors import BadData, DownloadFailed, IngestWarning, InvalidParameter, MissingExtra
from tests.data.bundles.file_server import cut, running, status

HEADER = "date,open,high,low,close,volume,dividend,split\n"
A = HEADER + "2020-01-02,10,12,9,11,1000,,\n2020-01-03,11,13,10,12,2000,0.5,2\n2020-01-06,12,14,11,13,3000,,\n"
B = A.replace(",11,", ",10.123456,")
MINUTES = "date,open,high,low,close,volume\n2020-01-02 14:31,1,1,1,1,1\n2020-01-02 14:32,2,2,2,2,2\n"


@pytest.fixture
def server():
    with running() as made:
        yield made


def as_parquet(text, path):
    pd.read_csv(path, parse_dates=["date"]).to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet").read_bytes()


@pytest.fixture
def folder(tmp_path):
    """The files of the server in a folder: one as text, one packed, one in Parquet."""
    daily = tmp_path / "folder" / "daily"
    daily.mkdir(parents=True)
    (daily / "A.csv").write_text(A)
    (daily / "B.csv.gz").write_bytes(gzip.compress(B.encode()))
    (daily / "C.csv").write_text(A)
    pd.read_csv(daily / "C.csv", parse_dates=["date"]).to_parquet(daily / "C.parquet")
    (daily / "C.csv").unlink()
    return tmp_path / "folder"


def served(server, folder):
    for path in (folder / "daily").iterdir():
        server.files[f"/{path.name.partition('.')[0].lower()}"] = path.read_bytes()
    return f"{server.url}/{{symbol}}"


def paid(how, *arguments, **options):
    with pytest.warns(IngestWarning, match="dividends have no pay date"):
        return how(*arguments, **options)


def test_same_files_same_fingerprint(server, folder):
    paid(bundles.ingest_csvdir, folder, "local")
    template = served(server, folder)
    paid(bundles.ingest_http, template, ["c", "a", "b"], "far")
    local, far = bundles.load("local"), bundles.load("far")
    assert far.fingerprint == local.fingerprint
    assert far.manifest.sid_map == local.manifest.sid_map
    assert far.manifest.source == {
        "kind": "http",
        "calendar": "XNYS",
        "template": template,
        "symbols": ["c", "a", "b"],
    }
    assert not (far.path.parent / ".cache").exists()


def test_an_ingest_that_failed_half_way_downloads_the_rest_only(server, folder):
    template = served(server, folder)
    server.etags["/b"] = '"v1"'
    server.acts["/b"] = [cut(30)]
    with pytest.raises(DownloadFailed, match=r"B: http://.*/b failed 1 time"):
        bundles.ingest_http(template, ["a", "b", "c"], "far", retries=0)
    assert bundles.versions("far") == () and server.paths() == ["/a", "/b", "/c"]
    server.asked.clear()
    paid(bundles.ingest_http, template, ["a", "b", "c"], "far", retries=0)
    assert [(one.path, one.headers["Range"]) for one in server.asked] == [("/b", "bytes=30-")]
    paid(bundles.ingest_csvdir, folder, "local")
    assert bundles.load("far").fingerprint == bundles.load("local").fingerprint
    server.asked.clear()
    paid(bundles.ingest, "far")
    assert server.paths() == ["/a", "/b", "/c"]


def test_a_file_at_fault_is_downloaded_again(server, folder):
    template = served(server, folder)
    good, server.files["/b"] = server.files["/b"], A.replace("10,12,9,11", "10,8,9,11").encode()
    with pytest.raises(BadData, match=re.escape(f"{server.url}/b line 2 (B, 2020-01-02): high 8 is below")):
        bundles.ingest_http(template, ["a", "b", "c"], "far")
    server.files["/b"] = good
    server.asked.clear()
    paid(bundles.ingest_http, template, ["a", "b", "c"], "far")
    assert server.paths() == ["/b"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><body>Please log in</body></html>\n", r"/a line 1 \(A\): there is no column"),
        (b"\xff\xfe\x00\x81", r"/a \(A\) is no readable text"),
        (b"", r"/a \(A\): the file is empty"),
        (b"PAR1 and nothing PAR1", r"/a .*(is no readable Parquet file|cannot be read)"),
        (gzip.compress(b"\x00\x01", mtime=0), r"/a .*"),
        (A.replace("2020-01-03,11", "2020-01-03,x").encode(), r"/a line 3 \(A, 2020-01-03\): open is 'x'"),
    ],
)
def test_garbage_is_an_error_that_names_the_url(server, body, message):
    server.files["/a"] = body
    with pytest.raises(BadData, match=re.escape(server.url) + message) as caught:
        bundles.ingest_http(f"{server.url}/{{symbol}}", ["a"], "far")
    assert ".cache" not in str(caught.value)


def test_findings_name_the_url(server):
    server.files["/a"] = (A + "2020-01-04,1,1,1,1,1,,\n").encode()
    with pytest.warns(IngestWarning) as warned:
        bundles.ingest_http(f"{server.url}/{{symbol}}", ["a"], "far")
    assert any(f"{server.url}/a line 5 (A, 2020-01-04)" in str(one.message) for one in warned)


def test_minutes_and_adjusted_closes(server):
    server.files["/a"] = (
        MINUTES.replace("volume", "volume,Adj Close").replace(",1\n", ",1,1\n").replace(",2\n", ",2,2\n").encode()
    )
    with pytest.warns(IngestWarning, match="'Adj Close' is not read"):
        bundles.ingest_http(f"{server.url}/{{symbol}}", ["a"], "far", frame="minute")
    assert bundles.load("far").manifest.minute_rows == 2
    assert bundles.load("far").manifest.source["frame"] == "minute"


def test_symbols_are_encoded_into_the_url_and_read_from_a_file_anew(server, tmp_path):
    listed = tmp_path / "symbols.txt"
    listed.write_text("# mine\nbrk/b\n\n^GSPC  # an index\n")
    server.files |= dict.fromkeys(("/x?s=brk%2Fb&from=2020-01-01", "/x?s=%5EGSPC&from=2020-01-01"), A.encode())
    template = f"{server.url}/x?s={{symbol}}&from={{start}}"
    paid(bundles.ingest_http, template, [], "far", symbols_file=listed, start="1/1/2020")
    assert [equity.symbol for equity in bundles.load("far").asset_finder.equities] == ["BRK/B", "^GSPC"]
    source = bundles.load("far").manifest.source
    assert (source["symbols_file"], source["start"], "symbols" in source) == (str(listed), "2020-01-01", False)
    listed.write_text("^GSPC\n")
    paid(bundles.ingest, "far")
    assert bundles.load("far").manifest.assets == 1


def test_secrets_are_sent_and_kept_nowhere(server, data_root):
    server.files["/a?apikey=s3cr%26t"] = A.encode()
    server.acts["/a?apikey=s3cr%26t"] = [status(403)]
    environ = {"RUSTYBT_ROOT": str(data_root), "KEY": "s3cr&t", "TOKEN": "t0k3n"}
    how = {"headers": {"Authorization": "Bearer ${TOKEN}", "Accept": "text/csv"}, "environ": environ}
    template = f"{server.url}/{{symbol}}?apikey=$KEY"
    with pytest.raises(DownloadFailed, match=r"/a\?apikey=\$KEY answers 403 .*: give the header or key") as caught:
        bundles.ingest_http(template, ["a"], "far", **how)
    assert "s3cr" not in str(caught.value)
    paid(bundles.ingest_http, template, ["a"], "far", **how)
    assert {one.headers["Authorization"] for one in server.asked} == {"Bearer t0k3n"}
    kept = b"".join(path.read_bytes() for path in data_root.rglob("*") if path.is_file())
    assert b"s3cr" not in kept and b"t0k3n" not in kept
    source = json.loads((bundles.load("far").path / "manifest.json").read_text())["source"]
    assert source["headers"] == how["headers"] and source["template"] == template
    with pytest.raises(InvalidParameter, match="needs the environment variable KEY, which is not set: export it"):
        bundles.ingest("far", environ={"RUSTYBT_ROOT": str(data_root)})


def test_nothing_is_written_outside_the_cache(server, data_root):
    server.acts["/..%2F..%2Fevil"] = [status(404)]
    with pytest.raises(DownloadFailed):
        bundles.ingest_http(f"{server.url}/{{symbol}}", ["../../evil"], "far")
    assert [path.name for path in data_root.rglob("*") if "evil" in path.name] == []


def test_an_append_goes_on_with_what_is_new(server):
    server.files["/a"] = A.encode()
    paid(bundles.ingest_http, f"{server.url}/{{symbol}}", ["a"], "far")
    server.files["/a"] = (A + "2020-01-07,1,1,1,1,1,,\n").encode()
    paid(bundles.ingest, "far", append=True)
    assert bundles.load("far").manifest.rows == 4


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("ftp://a/{symbol}", "is no http or https URL"),
        ("file:///{symbol}", "is no http or https URL"),
        ("a.b/{symbol}", "is no http or https URL"),
        ("https://[::1/{symbol}", "is no http or https URL"),
        ("https://a.b:99999/{symbol}", "is no http or https URL"),
        ("https://a.b/\n{symbol}", "is no http or https URL"),
        ("https://a .b/{symbol}", "is no http or https URL"),
        ("https://{symbol}.a.b/", "leaves its host open"),
        ("https://$HOST/{symbol}", "leaves its host open"),
        ("https://a.b/", "has no {symbol}"),
        ("https://a.b/{symbl}", "has {symbl} .did you mean 'symbol'"),
        ("https://a.b/{symbol.__class__}", "has {symbol.__class__}"),
        ("https://me:pass@a.b/{symbol}", "//...@a.b/{symbol}' names a user: give a header"),
        ("https://a.b/{symbol}?apikey=abc", "has a value for 'apikey', which would stay in the manifest"),
        (None, "template is a NoneType"),
    ],
)
def test_templates_that_cannot_be_are_refused(template, message):
    with pytest.raises(InvalidParameter, match=message) as caught:
        checked_template(template)
    assert "pass@" not in str(caught.value) and "abc" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Authorization": "Bearer abc"}, "'Authorization' has its value in plain text"),
        ({"Range": "$X"}, "'Range' is set by the download itself"),
        ({"A B": "$X"}, "'A B' is no name of a header"),
        ({"X": ""}, "'X' has no value"),
    ],
)
def test_headers_that_cannot_be_are_refused(headers, message):
    with pytest.raises(InvalidParameter, match=message):
        checked_headers(headers)


@pytest.mark.parametrize("value", ["a\nX: y", "ü", " a"])
def test_values_of_variables_that_no_header_can_have_are_refused(value):
    with pytest.raises(InvalidParameter, match=r"header 'X': '\$V' stands for characters that no header can have"):
        wanted_file("https://a.b/{symbol}", {"X": "$V"}, "A", "A", {}, {"V": value})


def test_what_a_value_holds_is_not_filled_in_again():
    made = wanted_file("https://a.b/{symbol}?k=$K&d=$$1", {"X": "$K {x}"}, "A", "{start}$K", {}, {"K": "$K{symbol}"})
    assert made.url == "https://a.b/%7Bstart%7D%24K?k=%24K%7Bsymbol%7D&d=$1"
    assert made.headers == {"X": "$K{symbol} {x}"}
    assert "K{symbol}" not in repr(made)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"symbols": []}, InvalidParameter, "there are no symbols: give symbols, or symbols_file"),
        ({"symbols_file": "x"}, InvalidParameter, "symbols and symbols_file are both given"),
        ({"symbols": "AAPL"}, InvalidParameter, "symbols 'AAPL' is a text: pass a list"),
        ({"symbols": ["a", "A"]}, BadData, "symbol A comes twice"),
        ({"symbols": [".."]}, BadData, "of dots alone"),
        ({"symbols": ["a b\t"]}, BadData, "has blanks around it or characters"),
        ({"frame": "weekly"}, InvalidParameter, "frame 'weekly' is not known"),
        ({"start": "2020-01-02", "end": "2020-01-01"}, InvalidParameter, "start 2020-01-02 is after end 2020-01-01"),
        ({"connections": 1000}, InvalidParameter, "connections 1000 is no whole number from 1 to 64"),
        ({"symbols": [], "symbols_file": "/nowhere"}, BadData, "/nowhere cannot be read"),
        ({}, InvalidParameter, "needs start: give it"),
    ],
)
def test_parameters_that_cannot_be_are_refused(how, error, message):
    with pytest.raises(error, match=message):
        bundles.ingest_http("https://127.0.0.1:9/{symbol}?{start}", name="far", **{"symbols": ["A"], **how})


def test_a_missing_package_says_how_to_get_it():
    with pytest.raises(MissingExtra, match=r'httpz is not installed: run pip install "rustybt\[http\]"'):
        extras.needed("httpz", "http")
