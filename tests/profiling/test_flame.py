"""Does the page show every second once, and ask the network for nothing?"""

import json
import re

import pytest

from rustybt.profiling import Profile
from rustybt.profiling.flame import DEEPEST, page_of, tree_of, write_flame_graph
from rustybt.profiling.sampler import Place, Samples
from tests.profiling.burning import burn

LOOP = Place("rustybt.engine.loop", "_Session.run")
USER = Place("_script_strategy", "make.<locals>.handle_data", "strategy.py", 3)
OTHER_LINE = USER._replace(line=4)
HISTORY = Place("rustybt.data.bar_data", "BarData.history")


@pytest.fixture
def profile():
    with Profile() as made:
        burn(0.03)
    made.add_workers(2, 3.0)
    made.add_samples(Samples(4.0, {(LOOP, USER): 1.0, (LOOP, USER, HISTORY): 2.0, (LOOP, OTHER_LINE): 1.0}))
    return made


def content_of(page):
    return json.loads(re.search(r'<script id="profile" type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def flat(content, frame=None, depth=0):
    """Yield (depth, name, category, seconds) of every frame."""
    name, category, seconds, calls = frame or content["root"]
    yield depth, content["names"][name][0], content["categories"][category], seconds
    for call in calls:
        yield from flat(content, call, depth + 1)


def test_stacks_that_begin_alike_are_one_frame():
    root = tree_of({(LOOP,): 1.0, (LOOP, USER): 2.0, (LOOP, USER, HISTORY): 4.0, (LOOP, OTHER_LINE): 8.0})
    loop = root.calls[LOOP]
    assert (root.seconds, loop.seconds) == (15.0, 15.0)
    assert {place.line: frame.seconds for place, frame in loop.calls.items()} == {3: 6.0, 4: 8.0}
    assert [frame.category.value for frame in (loop, loop.calls[USER], loop.calls[USER].calls[HISTORY])] == [
        "engine's own loop",
        "user code",
        "data",
    ]


def test_the_page_holds_table_and_graph(profile):
    content = content_of(page_of(profile, "rustybt optimize strategy.py"))
    assert content["title"] == "rustybt optimize strategy.py"
    rows = {name: seconds for name, _, seconds in content["rows"]}
    assert rows["data"] == pytest.approx(2.0)
    assert rows["idle"] == pytest.approx(2.0)
    frames = list(flat(content))
    assert frames[0] == (0, "all", "search, files, command", pytest.approx(6.0 + profile.seconds, abs=1e-5))
    assert (1, "2 worker processes", "search, files, command", 6.0) in frames
    assert (2, "idle", "idle", 2.0) in frames
    assert (3, "make.handle_data strategy.py:3", "user code", 3.0) in frames
    assert (4, "bar_data.BarData.history", "data", 2.0) in frames


def test_the_page_asks_the_network_for_nothing(profile):
    page = page_of(profile, "a run")
    assert re.findall(r"https?:|//[\w.]+\.\w|\bsrc=|\bhref=|@import|url\(|fetch\(|XMLHttp|\bimport\b", page) == []
    assert "default-src 'none'" in page


def test_names_cannot_leave_the_data(profile):
    evil = Place("m", "</script><script>alert(1)</script>", "x.py", 1)
    profile.add_samples(Samples(1.0, {(evil,): 100.0}))
    title = "<b> & \u2028 {{profile}}"
    page = page_of(profile, title)
    assert page.count("</script>") == page_of(profile, "").count("</script>") == 2
    content = content_of(page)
    assert content["title"] == title
    assert any(name == "</script><script>alert(1)</script> x.py:1" for _, name, _, _ in flat(content))


def test_what_cannot_be_seen_is_left_out(profile):
    profile.add_samples(Samples(1e-6, {(Place("m", "tiny", "x.py", 1),): 1e-9}))
    assert not any("tiny" in name for _, name, _, _ in flat(content_of(page_of(profile, ""))))


def test_a_deep_recursion_is_cut(profile):
    deep = tuple(Place("m", f"f{depth}", "x.py", 1) for depth in range(5000))
    profile.add_samples(Samples(1.0, {deep: 10.0}))
    depths = [depth for depth, _, _, _ in flat(content_of(page_of(profile, "")))]
    assert max(depths) == DEEPEST


def test_the_page_replaces_an_older_one(profile, tmp_path):
    path = tmp_path / "profile.html"
    path.write_text("older")
    write_flame_graph(profile, path, "a run")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [path]
