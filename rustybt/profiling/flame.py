"""How is a profile looked at? As one page with a table and a flame graph, which needs nothing but a browser."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rustybt._typing import PathLike
from rustybt.data.files import replacing
from rustybt.profiling.categories import Category, category_of
from rustybt.profiling.profile import OWN, Profile
from rustybt.profiling.sampler import Place, Stack, Stacks

PAGE: Final = Path(__file__).with_name("flame.html")
DATA: Final = "{{profile}}"
NARROWEST: Final = 1e-5
"""Frames with a smaller share of the whole are left out: even with the graph zoomed in they would not be seen."""

DEEPEST: Final = 200
"""What a recursion calls below that many frames is shown as the time of the last of them."""

ALL: Final = Place(OWN.module, "all")


@dataclass
class Frame:
    """A frame of the graph.

    Attributes
    ----------
    place : Place
        What it shows.
    category : Category
        What it would be counted as if it called nothing.
    seconds : float
        With all that it called.
    calls : dict of Place to Frame
        What it called.
    """

    place: Place
    category: Category
    seconds: float = 0.0
    calls: dict[Place, "Frame"] = field(default_factory=dict)


def tree_of(stacks: Stacks) -> Frame:
    """Put stacks together where they begin alike.

    Parameters
    ----------
    stacks : dict of stack to seconds
        Outermost place first.

    Returns
    -------
    Frame
        The root, which stands for all of it.

    Examples
    --------
    >>> loop, user = Place("rustybt.engine.loop", "run"), Place("strategy", "handle_data", "strategy.py", 7)
    >>> root = tree_of({(loop,): 1.0, (loop, user): 3.0})
    >>> root.seconds, root.calls[loop].seconds, root.calls[loop].calls[user].seconds
    (4.0, 4.0, 3.0)
    """
    root = Frame(ALL, Category.DRIVER)
    for stack, seconds in stacks.items():
        root.seconds += seconds
        frame = root
        for depth, place in enumerate(stack[:DEEPEST], start=1):
            frame = frame.calls.get(place) or called(frame, stack[:depth])
            frame.seconds += seconds
    return root


def called(caller: Frame, stack: Stack) -> Frame:
    """Add the last place of a stack to what its caller called."""
    frame = caller.calls[stack[-1]] = Frame(stack[-1], category_of(stack))
    return frame


def write_flame_graph(profile: Profile, path: PathLike, title: str) -> None:
    """Write the page; an older file stays whole until it is there.

    Parameters
    ----------
    profile : Profile
        Of a block that has ended.
    path : path-like
        The page.
    title : str
        What was run.
    """
    with replacing(Path(path)) as beside:
        beside.write_text(page_of(profile, title), encoding="utf-8")


def page_of(profile: Profile, title: str) -> str:
    """Give the page as HTML that asks the network for nothing."""
    rows = [[row.category.value, row.seconds, row.workers_seconds] for row in profile.rows()]
    names: dict[Place, int] = {}
    root = tree_of(profile.stacks())
    content = {
        "title": title,
        "interval_ms": profile.interval_s * 1e3,
        "categories": [category.value for category in Category],
        "rows": rows,
        "totals": [profile.seconds, profile.workers_seconds],
        "workers": profile.workers,
        "root": packed(root, names, root.seconds * NARROWEST),
        "names": [described(place) for place in names],
    }
    text = json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
    return PAGE.read_text(encoding="utf-8").replace(DATA, text)


def packed(frame: Frame, names: dict[Place, int], narrowest_s: float) -> list[Any]:
    """Give a frame as [name, category, seconds, what it called], widest first, both names as numbers."""
    index = names.setdefault(frame.place, len(names))
    wide = sorted(
        (call for call in frame.calls.values() if call.seconds >= narrowest_s), key=lambda call: -call.seconds
    )
    calls = [packed(call, names, narrowest_s) for call in wide]
    return [index, list(Category).index(frame.category), round(frame.seconds, 6), calls]


def described(place: Place) -> list[str]:
    """Give a place's short name, and what is shown beside it."""
    if place.module == OWN.module:
        return [place.function, ""]
    function = place.function.replace(".<locals>", "")
    if place.is_users:
        return [f"{function} {place.file}:{place.line}", place.module]
    return [f"{place.module.rpartition('.')[2]}.{function}", place.module]
