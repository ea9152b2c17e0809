"""At which URL, and with which headers, does the file of a symbol lie? A template is filled in, secrets last.

`{symbol}` stands for a symbol, `{start}` and `{end}` for dates, and `$NAME` for what the environment variable NAME
holds at the time of the download. Manifests and messages have `$NAME` itself, so that no secret gets into them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from rustybt.errors import InvalidParameter, did_you_mean

SCHEMES: Final = ("http", "https")
PLACEHOLDERS: Final = ("symbol", "start", "end")
_PART: Final = re.compile(r"\$\$|\$\{(?P<braced>\w+)\}|\$(?P<bare>[A-Za-z_]\w*)|\{(?P<placeholder>[^{}$]*)\}")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SECRET: Final = re.compile(r"key|token|secret|passw|pwd|auth|signature|credential", re.IGNORECASE)
_OWN_HEADERS: Final = frozenset(
    ("accept-encoding", "connection", "content-length", "host", "if-range", "range", "transfer-encoding")
)
"""Headers on which downloading itself depends."""
_PLAIN_HEADERS: Final = frozenset(("accept", "accept-language", "user-agent"))
"""Headers that are no secret, whatever they hold."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to download.

    Attributes
    ----------
    symbol : str
        Whose bars it holds.
    shown : str
        Its URL as messages name it, without secrets.
    url : str
        Its URL.
    headers : mapping of str to str
        What the request says beside.
    """

    symbol: str
    shown: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def wanted_file(
    template: str,
    headers: Mapping[str, str],
    symbol: str,
    given: str,
    dates: Mapping[str, str],
    environ: Mapping[str, str],
) -> Wanted:
    """Fill in a template that `checked_template` has passed.

    Parameters
    ----------
    template : str
        Of the URL.
    headers : mapping of str to str
        Names to values, these with `$NAME` for secrets.
    symbol, given : str
        The symbol as the bundle has it, and as the server knows it.
    dates : mapping of str to str
        What "start" and "end" stand for.
    environ : mapping of str to str
        The environment variables.

    Returns
    -------
    Wanted

    Raises
    ------
    InvalidParameter
        If a variable or a date that is needed is missing.

    Examples
    --------
    >>> wanted_file("https://a.b/{symbol}?key=$KEY", {}, "A/B", "a/b", {}, {"KEY": "x y"})
    Wanted(symbol='A/B', shown='https://a.b/a%2Fb?key=$KEY')
    """
    values = {"symbol": quote(given, safe=""), **{name: quote(value, safe="") for name, value in dates.items()}}
    for name in PLACEHOLDERS:
        if name not in values and f"{{{name}}}" in template:
            raise InvalidParameter(f"template {template!r} needs {name}: give it, such as {name}='2020-01-02'")
    secret = _variables(environ, f"template {template!r}")
    return Wanted(
        symbol,
        _filled(template, values, lambda name: f"${name}"),
        _filled(template, values, lambda name: quote(secret(name), safe="")),
        {name: _header_value(name, value, environ) for name, value in headers.items()},
    )


def _filled(template: str, values: Mapping[str, str], variable: Callable[[str], str]) -> str:
    """Write values for placeholders and variables, in one pass: what a value holds is not filled in again.

    A placeholder without a value stays.
    """

    def of(found: re.Match[str]) -> str:
        if found["placeholder"] is not None:
            return values.get(found["placeholder"], found[0])
        name = found["braced"] or found["bare"]
        return variable(name) if name else "$"

    return _PART.sub(of, template)


def _variables(environ: Mapping[str, str], who: str) -> Callable[[str], str]:
    def value(name: str) -> str:
        if not environ.get(name):
            raise InvalidParameter(f"{who} needs the environment variable {name}, which is not set: export it")
        return environ[name]

    return value


def _header_value(name: str, text: str, environ: Mapping[str, str]) -> str:
    value = _filled(text, {}, _variables(environ, f"header {name!r}"))
    if not (value.isascii() and value.isprintable()) or value != value.strip():
        raise InvalidParameter(f"header {name!r}: {text!r} stands for characters that no header can have: correct it")
    return value


def checked_template(template: str) -> str:
    """Refuse a template that is no URL for each symbol, or that would put a secret into manifests.

    Examples
    --------
    >>> checked_template("https://a.b/{symbol}.csv?from={start}&apikey=$KEY")
    'https://a.b/{symbol}.csv?from={start}&apikey=$KEY'
    """
    if not isinstance(template, str):
        raise InvalidParameter(
            f"template is a {type(template).__name__}: write a URL such as https://host/{{symbol}}.csv"
        )
    shown = _without_user(template)
    try:
        parts = urlsplit(template)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets, or a port, that no host has
        named = False
    if not named or parts.scheme not in SCHEMES or not template.isprintable() or " " in parts.netloc:
        raise InvalidParameter(
            f"template {shown!r} is no http or https URL: write one, such as https://host/{{symbol}}.csv"
        )
    if parts.username is not None:
        raise InvalidParameter(f"template {shown!r} names a user: give a header 'Authorization: $NAME' instead")
    if re.search(r"[{}$]", parts.netloc):
        raise InvalidParameter(f"template {shown!r} leaves its host open: write the host itself")
    names = [found["placeholder"] for found in _PART.finditer(template) if found["placeholder"] is not None]
    for name in names:
        if name not in PLACEHOLDERS:
            near = did_you_mean(name, PLACEHOLDERS)
            raise InvalidParameter(f"template {shown!r} has {{{name}}}{near}: use {{symbol}}, {{start}} and {{end}}")
    if "symbol" not in names:
        raise InvalidParameter(f"template {shown!r} has no {{symbol}}: say where each file's symbol stands")
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if _SECRET.search(name) and value and not _has_variable(value):
            raise InvalidParameter(
                f"template has a value for {name!r}, which would stay in the manifest: put it into an environment "
                f"variable, and write {name}=$NAME"
            )
    return template


def _without_user(template: str) -> str:
    return re.sub(r"//[^/@]*@", "//...@", template)


def _has_variable(text: str) -> bool:
    return any(found["braced"] or found["bare"] for found in _PART.finditer(text))


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Refuse headers that cannot be sent, and values that would put a secret into manifests.

    Examples
    --------
    >>> checked_headers({"Authorization": "Bearer $TOKEN"})
    {'Authorization': 'Bearer $TOKEN'}
    """
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise InvalidParameter(f"header {name!r} is no name of a header: write it like 'Authorization'")
        if name.lower() in _OWN_HEADERS:
            raise InvalidParameter(f"header {name!r} is set by the download itself: leave it out")
        if not isinstance(value, str) or not value:
            raise InvalidParameter(f"header {name!r} has no value: write one, such as '$TOKEN'")
        if name.lower() not in _PLAIN_HEADERS and not _has_variable(value):
            raise InvalidParameter(
                f"header {name!r} has its value in plain text, which would stay in the manifest: put it into an "
                "environment variable, and write $NAME"
            )
    return dict(headers)
