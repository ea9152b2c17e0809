"""Which calls can give another answer while a strategy's code stays as it is?

Files, the network, the environment, the clock, and code that is made up while the program runs. What uses them by these
names cannot be known by its code alone. Calls that are not listed here are taken to answer the same; so is a strategy
that draws random numbers, for every trial starts the global generators at the same seed.
"""

from collections.abc import Mapping
from typing import Final

ANY: Final = frozenset(("*",))
"""Every name of a module."""

OF_THE_SYSTEM: Final = frozenset(
    (
        *("access", "environ", "environb", "fdopen", "fstat", "fwalk", "getcwd", "getcwdb", "getenv", "getenvb"),
        *("getloadavg", "getlogin", "getpid", "getppid", "getrandom", "getxattr", "listdir", "listxattr", "lstat"),
        *("open", "pipe", "popen", "pread", "preadv", "read", "readlink", "readv", "scandir", "sendfile", "stat"),
        *("statvfs", "system", "times", "uname", "urandom", "walk"),
    )
)
"""Names of os, whose functions say that they come from posix or nt."""

OUTSIDE: Final[Mapping[str, frozenset[str]]] = {
    "builtins": frozenset(("open", "input", "exec", "eval", "compile", "globals", "__import__", "breakpoint")),
    "genericpath": frozenset(("exists", "getmtime", "getsize", "isdir", "isfile")),
    "posixpath": frozenset(("exists", "getmtime", "getsize", "isdir", "isfile", "expanduser", "realpath", "abspath")),
    **dict.fromkeys(("nt", "os", "posix"), OF_THE_SYSTEM),
    **dict.fromkeys(("_io", "io"), frozenset(("open", "open_code", "FileIO"))),
    "sys": frozenset(("_getframe", "argv", "modules", "stdin")),
    "inspect": frozenset(("currentframe", "getmodule", "getsource", "stack")),
    "time": frozenset(("asctime", "clock_gettime", "ctime", "gmtime", "localtime", "strftime", "time", "time_ns")),
    "numpy": frozenset(("DataSource", "fromfile", "genfromtxt", "load", "loadtxt", "memmap", "open_memmap")),
    "pandas": frozenset(("ExcelFile", "HDFStore")),
    "pyarrow": frozenset(
        ("OSFile", "ParquetDataset", "ParquetFile", "dataset", "input_stream", "memory_map", "open_csv")
    ),
    "codecs": frozenset(("open",)),
    "configparser": frozenset(("ConfigParser", "RawConfigParser")),
    "joblib": frozenset(("load",)),
    "keras": frozenset(("load_model",)),
    "onnx": frozenset(("load", "load_model")),
    "onnxruntime": frozenset(("InferenceSession",)),
    "uuid": frozenset(("getnode", "uuid1", "uuid4")),
    "torch": frozenset(("load",)),
    "rustybt": frozenset(("get_benchmark_returns_from_file", "get_benchmark_returns_from_url", "load", "ingest")),
    **dict.fromkeys(("aiohttp", "boto3", "bz2", "ctypes", "dbm", "duckdb", "fileinput", "fsspec", "ftplib"), ANY),
    **dict.fromkeys(("getpass", "glob", "gzip", "h5py", "http", "httpx", "importlib", "linecache", "lzma"), ANY),
    **dict.fromkeys(("mmap", "netCDF4", "pathlib", "pkgutil", "redis", "requests", "runpy", "secrets"), ANY),
    **dict.fromkeys(("shelve", "socket", "sqlalchemy", "sqlite3", "subprocess", "tables", "tarfile"), ANY),
    **dict.fromkeys(("tempfile", "urllib", "urllib3", "xarray", "yfinance", "zarr", "zipfile"), ANY),
}
"""By the first part of a module's name."""

READERS: Final = ("read_", "scan_")
"""Beginnings of the names by which data libraries read files."""

LIBRARIES: Final = frozenset(("pandas", "polars", "pyarrow"))

NOW: Final = frozenset(("now", "today"))
"""Texts that stand for a moment, where one of MOMENTS reads them."""

MOMENTS: Final = frozenset(("DatetimeIndex", "Timestamp", "datetime64", "to_datetime"))

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
