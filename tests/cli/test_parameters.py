"""Is a parameter on the command line read as what it looks like?"""

import pytest

from rustybt.cli.parameters import parse_param
from rustybt.errors import InvalidParameter


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("fast=10", ("fast", 10)),
        ("level = -0.5", ("level", -0.5)),
        ("field=close", ("field", "close")),
        ("names=['A', 'B']", ("names", ["A", "B"])),
        ("word='1'", ("word", "1")),
        ("on=True", ("on", True)),
        ("equation=a=b", ("equation", "a=b")),
    ],
)
def test_a_parameter_is_read(text, pair):
    assert parse_param(text) == pair


@pytest.mark.parametrize("text", ["fast", "=3", "2x=3", "a b=1"])
def test_a_parameter_without_form(text):
    with pytest.raises(InvalidParameter, match=r"parameter '.*' is not of the form name=value"):
        parse_param(text)
