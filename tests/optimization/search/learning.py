"""Does a search learn? Functions whose best places are known, played by one worker."""

import math

from rustybt.optimization import Float, ParameterSpace
from rustybt.optimization.search import Feedback, Search
from tests.optimization.search.contract import play

SQUARE = ParameterSpace({"x": Float(0, 1), "y": Float(0, 1)})
WIDE = ParameterSpace({name: Float(0, 1) for name in "xyabc"})


def distance(params: dict) -> float:
    """Give the distance from (0.8, 0.3)."""
    return math.hypot(params["x"] - 0.8, params["y"] - 0.3)


def to_point(params: dict, objectives: int) -> Feedback:
    return Feedback((distance(params) ** 2,))


def to_forbidden_point(params: dict, objectives: int) -> Feedback:
    """Allow only x <= 0.5, so that the best is at (0.5, 0.3)."""
    return Feedback((distance(params) ** 2,), (params["x"] - 0.5,))


def to_failing_point(params: dict, objectives: int) -> Feedback:
    """Fail where x > 0.5."""
    return Feedback((distance(params) ** 2 if params["x"] <= 0.5 else math.nan,))


def to_two_points(params: dict, objectives: int) -> Feedback:
    """Two goals, at x = 0.2 and 0.8, all else being 0.3: the best trade-offs are the line between them."""
    others = sum((value - 0.3) ** 2 for name, value in params.items() if name != "x")
    return Feedback(tuple((params["x"] - goal) ** 2 + others for goal in (0.2, 0.8)))


def last(search: Search, feedback, count: int, space=SQUARE, objectives: int = 1) -> list[dict]:
    """Give the last proposals of a pass."""
    return [proposal.params for proposal in play(search, space, feedback, objectives=objectives)[-count:]]


def volume(points: list[tuple[float, float]], corner: float = 1.0) -> float:
    """Give the area between a corner and the points that no other beats: the larger, the better."""
    area, low = 0.0, corner
    for first, second in sorted(points):
        if first < corner and second < low:
            area += (corner - first) * (low - second)
            low = second
    return area


def volume_of(search: Search) -> float:
    """Run a search with two goals."""
    played = play(search, WIDE, to_two_points, objectives=2)
    return volume([to_two_points(proposal.params, 2).losses for proposal in played])
