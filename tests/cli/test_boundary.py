"""Does an error become the one line that a user can act on?"""

import subprocess
import sys
import warnings
from pathlib import Path

import click
import pytest

from rustybt.cli.boundary import Invocation, describe, one_line_errors, warn_in_one_line
from rustybt.errors import InvalidSpan

SCRIPT = Path("somewhere/strategy.py")
SOURCE = "def broken():\n    1 / 0\n\n\ndef outer():\n    broken()\n"


def raised_in_script(call):
    namespace = {}
    exec(compile(SOURCE, str(SCRIPT), "exec"), namespace)
    with pytest.raises(ZeroDivisionError) as caught:
        namespace[call]()
    return caught.value


def test_an_error_in_the_script_names_its_innermost_line():
    error = raised_in_script("outer")
    assert describe(error, SCRIPT) == "strategy.py, line 2, in broken: ZeroDivisionError: division by zero"


def test_an_error_elsewhere_names_no_line():
    assert describe(raised_in_script("outer"), Path("other.py")) == "ZeroDivisionError: division by zero"


def test_an_error_of_the_package_is_its_message_on_one_line():
    assert describe(InvalidSpan("start is\n  after end")) == "start is after end"


def test_an_error_without_words_is_its_name():
    assert describe(AssertionError()) == "AssertionError"


def test_a_file_error_names_the_file():
    with pytest.raises(OSError) as caught:
        Path("/does/not/exist").read_bytes()
    assert describe(caught.value) == "No such file or directory: /does/not/exist"


def test_an_error_of_the_package_ends_in_exit_code_1():
    with pytest.raises(click.ClickException, match="no bundle") as caught, one_line_errors(Invocation()):
        raise InvalidSpan("no bundle")
    assert caught.value.exit_code == 1


def test_debug_lets_the_error_through():
    with pytest.raises(InvalidSpan), one_line_errors(Invocation(debug=True)):
        raise InvalidSpan("no bundle")


def test_ctrl_c_is_exit_code_130(capsys):
    with pytest.raises(click.exceptions.Exit) as caught, one_line_errors(Invocation()):
        raise KeyboardInterrupt
    assert caught.value.exit_code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_that_left_is_no_error():
    with pytest.raises(BrokenPipeError), one_line_errors(Invocation()):
        raise BrokenPipeError


def test_a_warning_takes_one_line(capsys, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    warn_in_one_line()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(UserWarning("two\nlines"), UserWarning, "file.py", 3)
    assert capsys.readouterr().err == "Warning: two lines\n"


@pytest.mark.parametrize(("debug", "lines"), [(False, 1), (True, 3)])
def test_an_uncaught_error_shows_a_traceback_only_if_asked(debug, lines):
    code = (
        "from rustybt.cli.boundary import Invocation, report_uncaught\n"
        f"report_uncaught(Invocation(debug={debug}))\n"
        "raise KeyError('AAPPL')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) >= lines
    assert ("Traceback" in run.stderr) is debug
    if not debug:
        assert run.stderr == "Error: KeyError: 'AAPPL' (rustybt --debug shows the traceback)\n"
