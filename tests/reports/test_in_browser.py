"""Does a real browser draw the report from disk, ask the network for nothing, and have no error on its console?"""

import pytest

from rustybt.reports.page import write_report
from tests.reports.browser import PATH, running_browser
from tests.reports.contents import content_of, evil_content, full_content, trials_of

pytestmark = pytest.mark.skipif(PATH is None, reason="no Chromium or Chrome is on the PATH")

SEEN = """({
  charts: Object.fromEntries([...document.querySelectorAll(".chart")].map(place => [
    place.id.replace("chart-", ""),
    [place.querySelectorAll("svg.main-svg").length, place.querySelectorAll("path, image").length],
  ])),
  title: document.querySelector("h1").textContent, images: document.images.length, scripts: document.scripts.length,
  labels: [...document.querySelectorAll(".chart text")].map(label => label.textContent).join(" "),
  buttons: [...document.querySelectorAll(".modebar-btn")].map(button => button.dataset.title).join(" "),
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with running_browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def visit(browser, tmp_path):
    def visit(content):
        path = write_report(tmp_path / "report.html", content)
        return browser.open(path.as_uri(), SEEN)

    return visit


def is_local(url):
    return url.startswith(("file:", "data:", "blob:"))


def test_every_chart_is_drawn_and_nothing_is_asked_for(visit):
    seen = visit(full_content())
    charts = seen.value["charts"]
    assert set(charts) == {"equity", "walk-forward", "heatmap", "importances", "parallel"}
    assert all(pictures >= 3 and marks > 10 for pictures, marks in charts.values())
    assert [url for url in seen.requests if not is_local(url)] == []
    assert seen.errors == []
    assert "Download plot" in seen.value["buttons"] and "hare" not in seen.value["buttons"]  # with the library's vendor


def test_users_text_stays_text(visit):
    seen = visit(evil_content())
    assert seen.errors == []
    assert [url for url in seen.requests if not is_local(url)] == []
    assert seen.value["images"] == 0 and seen.value["scripts"] == 3
    assert seen.value["title"].startswith("</script><script>alert('x')</script><img")
    assert "<b>bold</b>" in seen.value["labels"]


def test_a_report_without_a_trial_opens_too(visit):
    seen = visit(content_of(trials_of(0), importances=None))
    assert (seen.value["charts"], seen.errors) == ({}, [])


def test_the_page_forbids_what_the_library_could_do(browser, tmp_path):
    path = write_report(tmp_path / "report.html", content_of(trials_of(0), importances=None))
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("</main>", "<img src='http://127.0.0.1:1/a.png'><script>window.ran = 1</script></main>")
    )
    seen = browser.open(path.as_uri(), "typeof window.ran")
    assert seen.value == "undefined"
    assert len([error for error in seen.errors if "Content Security Policy" in error]) == 2


def test_the_browser_tells_of_requests_and_errors(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<img src='http://127.0.0.1:1/a.png'><script>console.error('one'); throw Error('two')</script>")
    seen = browser.open(page.as_uri(), "1 + 1")
    assert seen.value == 2
    assert "http://127.0.0.1:1/a.png" in seen.requests
    assert any("one" in error for error in seen.errors) and any("two" in error for error in seen.errors)
