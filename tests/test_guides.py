"""Do the guides' blocks of code run as they stand there, and print what stands below them?"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rustybt.finance.rules import CORRECTIONS

ROOT = Path(__file__).resolve().parents[1]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
BLOCKS = re.compile(r"^```python\n(.*?)^```(?:\n+```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
MARK = "--- end of a block ---\n"
DIFFERENCES = (ROOT / "docs" / "guides" / "differences-from-zipline.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_blocks_print_what_the_guide_says(guide, tmp_path):
    """A guide's blocks are one script: later ones use what earlier ones define."""
    blocks = BLOCKS.findall(guide.read_text(encoding="utf-8"))
    script = tmp_path / "guide.py"
    script.write_text("".join(f'{code}\nprint("{MARK.strip()}")\n' for code, _ in blocks), encoding="utf-8")
    environment = {**os.environ, "RUSTYBT_ROOT": str(tmp_path / "root")}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(MARK)[:-1] == [printed for _, printed in blocks]


def test_every_correction_has_a_row_and_an_example():
    rows = re.findall(r"^\| (\w+) \| .+ \| .+ \|$", DIFFERENCES, re.MULTILINE)
    assert rows == ["correction", *CORRECTIONS]
    sections = re.split(r"^### ", DIFFERENCES, flags=re.MULTILINE)
    examples = {section.partition("\n")[0]: BLOCKS.findall(section) for section in sections}
    for name in CORRECTIONS:
        ((code, printed),) = examples[name]
        assert f'corrections={{"{name}"}}' in code or f'((), {{"{name}"}})' in code
        assert len(set(printed.splitlines())) == 2
        assert len(code.strip().splitlines()) <= 12
