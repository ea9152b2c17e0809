"""What does a function's code do, however it is laid out, and which names does it reach for?

The form of a code object is the graph of its bytecode: comments, blank lines, docstrings, annotations, file names and
line numbers do not enter it, and neither does the order in which the compiler lays branches out, which goes by lines.
It is one of the Python that runs.
"""

import dis
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final, NamedTuple

from rustybt.optimization.canonical import exact, framed, of_int, of_words

JUMPS: Final = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
ALWAYS: Final = frozenset(["JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "JUMP_ABSOLUTE"])
"""Jumps without a condition."""

LAYOUT: Final = ALWAYS | {"NOP", "EXTENDED_ARG"}
"""Instructions that only say where the code goes on."""

ENDS: Final = frozenset(("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"))
"""Instructions after which the code does not go on."""

OPPOSITES: Final = {"POP_JUMP_IF_TRUE": "POP_JUMP_IF_FALSE", "POP_JUMP_IF_NOT_NONE": "POP_JUMP_IF_NONE"}
"""The compiler chooses between a jump and its opposite by how the branches are laid out."""

PAIRS: Final = {
    f"{first}_FAST_{second}_FAST": (f"{first}_FAST", f"{second}_FAST")
    for first, second in (("LOAD", "LOAD"), ("STORE", "LOAD"), ("STORE", "STORE"))
}
"""Instructions that Python 3.13 puts in the place of two which stand on one line."""

GLOBALS: Final = frozenset(["LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_FROM_DICT_OR_DEREF"])
ATTRIBUTES: Final = frozenset(["LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"])

OF_A_CLASS: Final = frozenset(["__doc__", "__module__", "__qualname__", "__firstlineno__", "__static_attributes__"])
"""What the body of a class that is written inside a function stores of its own accord."""

FLAGS: Final = 0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200
"""Those of *args, **kwargs, generators and coroutines."""


class Import(NamedTuple):
    """An import that happens when the code runs.

    Attributes
    ----------
    level : int
        Number of leading dots.
    module : str
        What stands after `import` or `from`.
    names : tuple of str
        What stands after `from ... import`; empty for a plain import.
    """

    level: int
    module: str
    names: tuple[str, ...]


@dataclass
class CodeForm:
    """A code object without its layout.

    Attributes
    ----------
    form : bytes
        What it does.
    paths : set of tuple of str
        Globals that it reads, each with the attributes that are taken of it right away: ("np", "linalg", "norm").
    reads : set of str
        Names of globals and attributes that it reads, and of its arguments.
    words : set of str
        Texts that stand in it.
    imports : list of Import
        What it imports.
    """

    form: bytes = b""
    paths: set[tuple[str, ...]] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    imports: list[Import] = field(default_factory=list)


FORMS_KEPT: Final = 4096
_FORMS: Final[dict[int, tuple[CodeType, CodeForm]]] = {}
"""By the code's id, with the code: before Python 3.12 two of them are equal though their handlers differ."""


def form_of(code: CodeType) -> CodeForm:
    """Give the form of a code object, and of those that are written inside it.

    Parameters
    ----------
    code : CodeType
        Of a function.

    Returns
    -------
    CodeForm
        Remembered: it must not be changed.

    Examples
    --------
    >>> found = form_of((lambda bars: np.linalg.norm(bars.close)).__code__)
    >>> found.paths, sorted(found.reads)
    ({('np', 'linalg', 'norm')}, ['bars', 'close', 'linalg', 'norm', 'np'])
    """
    known = _FORMS.get(id(code))
    if known is not None and known[0] is code:
        return known[1]
    found = CodeForm()
    found.form = _Code(code, found).form()
    if len(_FORMS) >= FORMS_KEPT:
        _FORMS.clear()
    _FORMS[id(code)] = code, found
    return found


class _Step(NamedTuple):
    """An instruction, or one half of a pair."""

    opname: str
    opcode: int
    arg: int | None
    argval: Any
    offset: int


class _Code:
    """One code object, as a graph of its steps."""

    def __init__(self, code: CodeType, found: CodeForm) -> None:
        self.code, self.found = code, found
        self.steps = list(_steps_of(code))
        self.number_at: dict[int, int] = {}
        for number, step in enumerate(self.steps):
            self.number_at.setdefault(step.offset, number)
        self.is_layout = [self._is_layout(number) for number in range(len(self.steps))]
        self.shown = [step for step, left_out in zip(self.steps, self.is_layout, strict=True) if not left_out]
        self.handlers = self._handlers()

    def _is_layout(self, number: int) -> bool:
        """Say whether a step is left out: layout, and what a class's body stores of its own accord."""
        return self.steps[number].opname in LAYOUT or any(
            step.opname == "STORE_NAME" and step.argval in OF_A_CLASS for step in self.steps[number : number + 2]
        )

    def _handlers(self) -> dict[int, tuple[int, int, bool]]:
        """Give for each step that something catches for: the first step of that, the stack's depth, and a flag."""
        handlers = {}
        for entry in dis.Bytecode(self.code).exception_entries:  # type: ignore[attr-defined]
            for number, step in enumerate(self.steps):
                if entry.start <= step.offset < entry.end:
                    handlers[number] = self.number_at[entry.target], entry.depth, entry.lasti
        return handlers

    def form(self) -> bytes:
        """Give the form, and note what the code reaches for."""
        code, found = self.code, self.found
        count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
        names = code.co_varnames[:count]
        found.reads.update(names)
        found.paths.update(self._paths())
        found.imports.extend(self._imports())
        if any(step.opname == "MATCH_CLASS" for step in self.steps):  # it reads the attributes that a tuple names
            found.reads.update(name for part in code.co_consts if isinstance(part, tuple) for name in map(str, part))
        head = exact((code.co_argcount, code.co_posonlyargcount, code.co_flags & FLAGS, names))
        return framed(b"code", head, *self._forms_of_steps())

    def _forms_of_steps(self) -> Iterator[bytes]:
        """Yield the form of each step that can be reached; places are numbered in the order in which they are met."""
        place_of = {self._from(0): 0}
        waiting = deque(place_of)
        while waiting:
            number = waiting.popleft()
            if number < 0:
                yield framed(b"circle")
                continue
            name, edges = self._edges(number)
            for edge in edges:
                if edge not in place_of:
                    place_of[edge] = len(place_of)
                    waiting.append(edge)
            caught = exact(self.handlers[number][1:] if number in self.handlers else None)
            operand = self._operand(self.steps[number])
            yield framed(b"", of_words(name), operand, caught, *(of_int(place_of[edge]) for edge in edges))

    def _edges(self, number: int) -> tuple[str, list[int]]:
        """Give a step's name, and the steps at which the code may go on: the next, a jump's target, a handler."""
        step = self.steps[number]
        name, edges = step.opname, [] if step.opname in ENDS else [self._from(number + 1)]
        if step.opcode in JUMPS:
            name = name.replace("_FORWARD", "").replace("_BACKWARD", "")
            edges.append(self._from(self.number_at[step.argval]))
            if name in OPPOSITES:
                name, edges = OPPOSITES[name], edges[::-1]
        if number in self.handlers:
            edges.append(self._from(self.handlers[number][0]))
        return name, edges

    def _from(self, number: int) -> int:
        """Give the step at which the code goes on from a number; -1 where jumps lead in a circle, or out."""
        seen = set()
        while number >= len(self.steps) or self.is_layout[number]:
            if number in seen or number >= len(self.steps):
                return -1
            seen.add(number)
            step = self.steps[number]
            number = self.number_at[step.argval] if step.opname in ALWAYS else number + 1
        return number

    def _operand(self, step: _Step) -> bytes:
        if step.opcode in JUMPS:
            return b""
        if step.opcode in dis.hasconst:
            constant = self.code.co_consts[step.arg or 0]
            if isinstance(constant, CodeType):
                return _Code(constant, self.found).form()
            if isinstance(constant, str):
                self.found.words.add(constant)
            return exact(constant)
        return exact(step.argval if _is_named(step.argval) else step.arg)

    def _paths(self) -> Iterator[tuple[str, ...]]:
        """Yield the globals that are read, with the attributes that are taken of each; note every name that is read."""
        path: list[str] = []
        for step in self.shown:
            if step.opname in ATTRIBUTES:
                self.found.reads.add(step.argval)
                if path:
                    path.append(step.argval)
            elif path:
                yield tuple(path)
                path = []
            if step.opname in GLOBALS:
                self.found.reads.add(step.argval)
                path = [step.argval]

    def _imports(self) -> Iterator[Import]:
        for number, step in enumerate(self.shown):
            if step.opname == "IMPORT_NAME":
                level, names = (earlier.argval for earlier in self.shown[number - 2 : number])
                yield Import(level, step.argval, tuple(names or ()))


def _steps_of(code: CodeType) -> Iterator[_Step]:
    for step in dis.get_instructions(code):
        names = PAIRS.get(step.opname, (step.opname,))
        for place, name in enumerate(names):
            argval = step.argval if len(names) == 1 else step.argval[place]
            yield _Step(name, step.opcode, step.arg, argval, step.offset)


def _is_named(operand: Any) -> bool:
    """Say whether an operand is a name, or several."""
    names = operand if isinstance(operand, tuple) else (operand,)
    return all(isinstance(name, str) for name in names)
