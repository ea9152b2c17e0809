"""Where does a fitted model come from: an object kept as it was, or a file that a library of its own reads?"""

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from rustybt._typing import PathLike
from rustybt.data.digest import digest_of
from rustybt.data.snapshot import snapshot
from rustybt.errors import InvalidParameter


class Kept(NamedTuple):
    """An estimator, copied when its model was made.

    Attributes
    ----------
    value : object
        The copy.
    digest : bytes
        SHA-256 of its parts.
    """

    value: Any
    digest: bytes

    @classmethod
    def of(cls, estimator: Any) -> "Kept":
        """Copy an estimator, and hash the copy.

        Raises
        ------
        InvalidParameter
            If it cannot be copied or hashed.
        """
        value = snapshot(estimator, "estimator")
        return cls(value, digest_of(value, "estimator"))


class SavedFile:
    """A file that holds a fitted model; each process reads it when it first needs it.

    Parameters
    ----------
    path : path-like
        The file.
    load : callable of (Path)
        Gives the model.

    Attributes
    ----------
    path : Path
        Absolute.
    sha256 : str
        Of its bytes, hexadecimal.
    digest : bytes
        SHA-256 of its bytes and of the code that loads it.

    Raises
    ------
    InvalidParameter
        If there is no such file.
    """

    def __init__(self, path: PathLike, load: Callable[[Path], Any]) -> None:
        self.path = Path(path).resolve()
        self.sha256 = sha256_of(self.path)
        self._load = snapshot(load, "load")
        self.digest = digest_of((self.sha256, self._load), "load")

    @cached_property
    def value(self) -> Any:
        """The model, loaded once a process.

        Raises
        ------
        InvalidParameter
            If the file is not what it was.
        """
        if sha256_of(self.path) != self.sha256:
            raise InvalidParameter(f"file {self.path} has changed since its model was made: make the model again")
        return self._load(self.path)

    def __getstate__(self) -> dict[str, Any]:
        return {name: part for name, part in vars(self).items() if name != "value"}


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file's bytes.

    Raises
    ------
    InvalidParameter
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidParameter(f"file {str(path)!r} cannot be read ({error.strerror}): give a saved model") from None
