"""How is a graph of objects turned into one digest, the same in every process?

Objects are numbered as they are met, and each is followed by its parts; what was met before is referred to by its
number. So circles end, and shared parts are told from equal ones. The parts of plain values are the values themselves.
"""

import hashlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from enum import Enum
from types import MethodType
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from rustybt.errors import InvalidParameter
from rustybt.optimization.canonical import FORMS, exact, framed, of_words

Collection: TypeAlias = tuple[object, ...] | frozenset[object] | set[object]

CONTAINERS: Final = (list, tuple, dict, set, frozenset, np.ndarray, range, slice)
LEAVES: Final = frozenset(FORMS).difference(CONTAINERS)


class Undigestible(ValueError):
    """An object whose behaviour its parts do not tell; the message says which, and where it was found."""


class Withheld(NamedTuple):
    """A part that counts only if code reads one of some names.

    Attributes
    ----------
    names : frozenset of str
        Any of them.
    tag : bytes
        What it is a part of.
    value : object
        The part.
    where : str
        How messages call it.
    """

    names: frozenset[str]
    tag: bytes
    value: object
    where: str


class Walk(ABC):
    """One pass through objects and what they lead to.

    Attributes
    ----------
    reads : set of str
        Names of globals, attributes and arguments in all code that was met.
    packages : set of str
        Installed packages that were met.
    """

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.packages: set[str] = set()
        self._sha = hashlib.sha256()
        self._numbers: dict[int, tuple[int, object]] = {}  # with the object, so that its id is not given to another
        self._waiting: deque[tuple[object, str]] = deque()
        self._withheld: list[Withheld] = []
        self._sorting: set[int] = set()

    def digest(self, value: object, where: str = "it") -> str:
        """Give an object's hexadecimal SHA-256; a walk is for one object.

        Parameters
        ----------
        value : object
            The root.
        where : str
            How messages call it.

        Returns
        -------
        str

        Raises
        ------
        Undigestible
            If a part is tied to this process, or code reads what is outside of it.
        """
        try:
            self.add(value, where)
            self._finish()
        except RecursionError:
            raise Undigestible(f"{where} holds something that is nested very deeply") from None
        return self._sha.hexdigest()

    def _finish(self) -> None:
        """Walk on until nothing waits, and no part that was withheld is read."""
        while True:
            while self._waiting:
                self._body(*self._waiting.popleft())
            read = [part for part in self._withheld if part.names & self.reads]
            if not read:
                return
            self._withheld = [part for part in self._withheld if not part.names & self.reads]
            for part in read:
                self._emit(b"read", part.tag)
                self.add(part.value, part.where)

    def _emit(self, kind: bytes, *parts: bytes) -> None:
        self._sha.update(framed(kind, *parts))

    def add(self, value: object, where: str) -> None:
        """Add a value: plain ones as they are, others by a number, with their parts to follow."""
        if type(value) in LEAVES or isinstance(value, np.generic | np.dtype):
            try:
                self._emit(b"plain", exact(value))
                return
            except InvalidParameter:  # such as a time in a zone of another library
                pass
        if isinstance(value, Enum):
            self._emit(b"member", of_words(value.name or repr(value.value)))
            self.add(type(value), where)
        elif isinstance(value, tuple | frozenset) and type(value) in (tuple, frozenset):
            self._collection(value, where)
        elif isinstance(value, MethodType):
            self._emit(b"method")
            self._add_all((value.__func__, value.__self__), where)
        else:
            self.refer(value, where)

    def refer(self, value: object, where: str) -> None:
        """Add an object by its number."""
        known = self._numbers.get(id(value))
        if known is None:
            known = self._numbers[id(value)] = len(self._numbers), value
            self._waiting.append((value, where))
        self._emit(b"number", b"%d" % known[0])

    def _add_all(self, values: Iterable[object], where: str) -> None:
        for value in values:
            self.add(value, where)

    def _collection(self, value: Collection, where: str) -> None:
        members = value if isinstance(value, tuple) else self._sorted(value, where)
        self._emit(type(value).__name__.encode(), b"%d" % len(members))
        self._add_all(members, where)

    def _sorted(self, members: "frozenset[object] | set[object]", where: str) -> list[object]:
        """Give a set's members in an order that is the same in every process."""
        if id(members) in self._sorting:
            raise Undigestible(f"{where} holds a set that holds itself")
        self._sorting.add(id(members))
        ordered = sorted(members, key=lambda member: self._digest_alone(member, where))
        self._sorting.discard(id(members))
        return ordered

    def _digest_alone(self, member: object, where: str) -> str:
        if type(member) is str:
            return member
        walk = type(self)()
        walk._sorting = self._sorting
        return walk.digest(member, where)

    @abstractmethod
    def _body(self, value: Any, where: str) -> None:
        """Add what an object consists of."""
