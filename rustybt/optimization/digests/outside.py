"""Which calls can give another answer while a strategy's code stays as it is?

Files, the network, the environment, the clock, and code that is made up while the program runs. What uses them by these
names cannot be known by its code alone. Calls that are not listed here are taken to answer the same; so is a strategy
that draws random numbers, for every trial starts the global generators at the same seed.
"""

from collections.abc import Mapping
from typing import Final

ANY: Final = frozenset(("*",))
"""Every name of a module."""

OUTSIDE: Final[Mapping[str, frozenset[str]]] = {
    "builtins": frozenset(("open", "input", "exec", "eval", "compile", "globals", "__import__", "breakpoint")),
    "genericpath": frozenset(("exists", "getmtime", "getsize", "isdir", "isfile")),
    "posixpath": frozenset(("exists", "getmtime", "getsize", "isdir", "isfile", "expanduser", "realpath", "abspath")),
    "os": frozenset(("environ", "getcwd", "getenv", "listdir", "open", "popen", "scandir", "stat", "system", "walk")),
    "io": frozenset(("open", "open_code", "FileIO")),
    "sys": frozenset(("_getframe", "argv", "modules", "stdin")),
    "inspect": frozenset(("currentframe", "getmodule", "getsource", "stack")),
    "time": frozenset(("ctime", "gmtime", "localtime", "strftime", "time", "time_ns")),
    "numpy": frozenset(("fromfile", "genfromtxt", "load", "loadtxt", "memmap")),
    "pandas": frozenset(("ExcelFile", "HDFStore")),
    "joblib": frozenset(("load",)),
    "torch": frozenset(("load",)),
    "rustybt": frozenset(("get_benchmark_returns_from_file", "get_benchmark_returns_from_url", "load", "ingest")),
    **dict.fromkeys(
        ("aiohttp", "boto3", "dbm", "duckdb", "fileinput", "fsspec", "ftplib", "glob", "http", "httpx"), ANY
    ),
    **dict.fromkeys(("importlib", "pathlib", "pkgutil", "redis", "requests", "runpy", "shelve", "socket"), ANY),
    **dict.fromkeys(("sqlalchemy", "sqlite3", "subprocess", "tempfile", "urllib", "urllib3", "yfinance"), ANY),
}
"""By the first part of a module's name."""

READERS: Final = ("read_", "scan_")
"""Beginnings of the names by which data libraries read files."""

LIBRARIES: Final = frozenset(("pandas", "polars", "pyarrow"))

METHODS: Final = frozenset(("now", "today", "utcnow", "from_file"))
"""Of installed classes."""

CLOCKS: Final = frozenset(("datetime", "pandas", "rustybt"))
"""Packages that have classes with such methods."""


def is_outside(module: str, name: str) -> bool:
    """Say whether what a module holds under a name can give another answer while the code stays the same.

    Examples
    --------
    >>> is_outside("pandas", "read_csv"), is_outside("numpy", "mean"), is_outside("urllib.request", "urlopen")
    (True, False, True)
    """
    top = module.partition(".")[0]
    names = OUTSIDE.get(top, frozenset())
    return name in names or names is ANY or (top in LIBRARIES and name.startswith(READERS))
