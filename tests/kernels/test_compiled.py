"""Compiled kernels: kept beside the code, named after its content, and never stale."""

import subprocess
import sys
from pathlib import Path

from rustybt.kernels.compiled import PREFIX, cache_folder, digest_of

SCRIPT = """
import numpy as np
from rustybt.kernels.compiled import compiled

@compiled
def total(values):
    out = 0.0
    for value in values:
        out += value
    return out

print(total(np.arange(4.0)), sum(total.stats.cache_hits.values()))
"""


def write(folder: Path, text: str) -> None:
    (folder / "kernel.py").write_text(text)


def test_the_folder_is_named_after_the_code(tmp_path):
    write(tmp_path, "a = 1")
    first = digest_of(tmp_path)
    write(tmp_path, "a = 2")
    assert digest_of(tmp_path) != first
    write(tmp_path, "a = 1")
    assert digest_of(tmp_path) == first


def test_a_change_of_the_code_removes_what_was_compiled_before(tmp_path):
    write(tmp_path, "a = 1")
    before = cache_folder(tmp_path)
    assert before is not None and before.is_dir() and cache_folder(tmp_path) == before
    write(tmp_path, "a = 2")
    after = cache_folder(tmp_path)
    assert after is not None and after.is_dir() and not before.exists()
    assert after.name.startswith(PREFIX)


def test_code_that_cannot_be_written_beside_has_no_folder_of_ours(tmp_path):
    (tmp_path / "__pycache__").write_text("a file where the folder would be")
    write(tmp_path, "a = 1")
    assert cache_folder(tmp_path) is None


def test_the_first_process_compiles_and_says_so_and_the_second_loads(tmp_path):
    script = tmp_path / "kernel_of_a_test.py"
    script.write_text(SCRIPT)
    first = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    second = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert first.stdout.split() == ["6.0", "0"]
    assert first.stderr.count("compiling the kernels") == 1
    assert second.stdout.split() == ["6.0", "1"]
    assert second.stderr == ""
