"""Does `%%rustybt` run a cell, and `%rustybt` what the notebook defined, in a real kernel?"""

import nbformat
import pytest
from nbclient import NotebookClient

SPAN = "-b mag-7 --start 2015-01-02 --end 2015-03-31"
STRATEGY = """
from rustybt.api import order_target, record, symbol

def initialize(context):
    context.asset = symbol("AAPL")

def handle_data(context, data):
    order_target(context.asset, SHARES)
    record(held=context.portfolio.positions[context.asset].amount)
"""

pytestmark = pytest.mark.usefixtures("ingested")


@pytest.fixture
def notebook(workplace):
    """Execute cells in a kernel whose working folder is the workplace; give what each printed, and what it raised."""

    def execute(*cells):
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        client = NotebookClient(
            book, timeout=120, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": workplace}}
        )
        client.execute()
        return [[described(output) for output in cell.outputs] for cell in book.cells]

    return execute


def described(output):
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output["text"].strip() if output.output_type == "stream" else output["data"]["text/plain"]


def test_a_cell_gives_its_perf_frame_and_leaves_the_notebooks_names_alone(notebook, workplace):
    outputs = notebook(
        "%load_ext rustybt",
        f"%%rustybt {SPAN} --no-benchmark -D SHARES=7\n{STRATEGY}",
        "perf = _; print(len(perf), perf['held'].iloc[-1], 'initialize' in globals())",
        f"%%rustybt {SPAN} --no-benchmark -D 'SHARES=3 + 6' -o perf.pickle\n{STRATEGY}",
        "import pandas as pd; print(pd.read_pickle('perf.pickle')['held'].iloc[-1])",
    )
    assert outputs[0] == []
    assert "[61 rows x 38 columns]" in outputs[1][0]
    assert outputs[2] == ["61 7 False"]
    assert outputs[4] == ["9"]


def test_a_line_runs_what_the_notebook_defined(notebook):
    outputs = notebook(
        "%load_ext rustybt",
        f"SHARES = 5\n{STRATEGY}",
        f"perf = %rustybt {SPAN}",
        "print(perf['held'].iloc[-1])",
        f"%%rustybt {SPAN} --local-namespace\nSHARES = 6",
        "print(_['held'].iloc[-1], SHARES)",
        f"perf = %rustybt {SPAN} -D SHARES=8",
        "print(perf['held'].iloc[-1], SHARES)",
    )
    assert outputs[2] == ["Benchmark: none was set, its returns are zero (--benchmark-symbol SYMBOL sets one)."]
    assert outputs[3] == ["5"]
    assert outputs[5] == ["6 6"]
    assert outputs[7] == ["8 8"]


def test_a_profile_is_printed_and_its_page_written(notebook, workplace):
    outputs = notebook(
        "%load_ext rustybt",
        f"%%rustybt {SPAN} --no-benchmark -D SHARES=7 --profile\n{STRATEGY}",
        "print(_['held'].iloc[-1])",
    )
    shown = "\n".join(outputs[1])
    assert "Where the time went" in shown
    assert "flame graph: profile.html" in shown
    assert "rustybt run <algotext>".replace("<", "\\u003c") in (workplace / "profile.html").read_text()
    assert outputs[2] == ["7"]


def test_mistakes_are_errors_of_the_cell(notebook, data_root):
    outputs = notebook(
        "%load_ext rustybt",
        f"%%rustybt {SPAN} --frequency daily\n{STRATEGY}",
        f"%%rustybt -b mag-8\nSHARES = 1\n{STRATEGY}",
        f"%%rustybt {SPAN}\n{STRATEGY}",
        "%rustybt --help",
        "%rustybt -b mag-7",
    )
    assert outputs[1][0].startswith("UsageError: No such option")
    assert outputs[2][-1].startswith("UnknownBundle: bundle 'mag-8' is not known (did you mean 'mag-7'?)")
    assert outputs[3][-1] == "NameError: name 'SHARES' is not defined"
    assert "--capital-base" in outputs[4][0]
    assert outputs[5][-1].startswith("ScriptError: <algotext> defines no strategy")


def test_extension_py_is_executed(notebook, monkeypatch, data_root, ingested):
    data_root.mkdir(exist_ok=True)
    (data_root / "extension.py").write_text("print('extended')\n")
    monkeypatch.setenv("RUSTYBT_ROOT", str(data_root))
    outputs = notebook("%load_ext rustybt", "%%rustybt -b mag-7\npass")
    assert outputs[1][0] == "extended"
