"""How does the command line name a parameter's value?"""

import ast
from typing import Any

from rustybt.errors import InvalidParameter


def parse_param(text: str) -> tuple[str, Any]:
    """Read "name=value", the value as a Python literal where it is one.

    Examples
    --------
    >>> parse_param("fast=10"), parse_param("field=close")
    (('fast', 10), ('field', 'close'))
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise InvalidParameter(f"parameter {text!r} is not of the form name=value")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        return name.strip(), value.strip()
