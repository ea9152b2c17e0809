"""Does everything in the README work as it stands there?"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rustybt.data.bundles import ingest

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS.findall(README) if language == "python"]
SHELL = [line for language, code in BLOCKS.findall(README) if language == "sh" for line in code.splitlines()]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    root = tmp_path_factory.mktemp("readme-root")
    environment = {**os.environ, "RUSTYBT_ROOT": str(root)}
    ingest("mag-7", environ=environment)
    return environment


def run(arguments, environment, folder):
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_python(number, environment, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(PYTHON[number])
    assert run([sys.executable, str(script)], environment, tmp_path)


def test_shell(environment, tmp_path):
    (tmp_path / "crossover.py").write_text(PYTHON[0])
    for line in SHELL:
        program, *arguments = line.split()
        assert program == "rustybt"
        assert run([sys.executable, "-m", "rustybt", *arguments], environment, tmp_path)
    assert (tmp_path / "perf.parquet").is_file()
    assert (tmp_path / "results/crossover/trials.parquet").is_file()


def test_there_are_blocks():
    assert len(PYTHON) == 3
    assert len(SHELL) == 5
