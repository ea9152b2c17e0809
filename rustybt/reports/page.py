"""How does a report become one HTML file that opens from disk and asks the network for nothing?"""

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from rustybt import __version__
from rustybt._typing import PathLike
from rustybt.data.files import replacing
from rustybt.errors import InvalidParameter
from rustybt.reports.content import ReportContent
from rustybt.reports.sections import sections_of
from rustybt.reports.tables import escaped

FOLDER: Final = Path(__file__).parent
PAGE: Final = FOLDER / "page.html"
DRAW: Final = FOLDER / "draw.js"
PLACE: Final = re.compile(r"\{\{(\w+)\}\}")


def write_report(path: PathLike, content: ReportContent) -> Path:
    """Write a report.

    Parameters
    ----------
    path : path-like
        Of the HTML file, about 5 MB, most of which draws the charts; an older file stays whole until it is there.
    content : ReportContent
        What it shows.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InvalidParameter
        If the path is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise InvalidParameter(f"path {str(target)!r} is a folder: name a file in it, such as report.html")
    page = page_of(content)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as beside:
        beside.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    return target


def page_of(content: ReportContent) -> str:
    """Give a report as HTML.

    Parameters
    ----------
    content : ReportContent
        What it shows. All its text is shown as it is: none of it can become markup or a script.

    Returns
    -------
    str
        Scripts and styles included. The page's own policy forbids any connection, and any script but those in it.
    """
    sections = sections_of(content)
    figures = {name: figure for section in sections for name, figure in section.figures.items()}
    plotly, draw = get_plotlyjs().replace("\r\n", "\n"), DRAW.read_text(encoding="utf-8")
    texts = {
        "title": escaped(content.title),
        "subtitle": escaped(content.subtitle or subtitle_of(content)),
        "body": "\n".join(section.html for section in sections),
        "footer": escaped(f"Made by rustybt {__version__}."),
        "figures": figures_json(figures),
        "plotly": plotly,
        "draw": draw,
        "policy": escaped(policy_of(plotly, draw)),
    }
    return PLACE.sub(lambda found: texts[found[1]], PAGE.read_text(encoding="utf-8"))


def subtitle_of(content: ReportContent) -> str:
    """Give the line below the title."""
    goal = ", ".join(f"{direction} {metric}" for metric, direction in content.objectives)
    total = sum(content.counts.values())
    data = f" on {content.bundle['name']}" if content.bundle.get("name") else ""
    walk = content.walk_forward
    windows = "" if walk is None else f" in sample of {len(walk.windows)} windows"
    return f"{total:,} backtests{windows}{data}, to {goal}"


def figures_json(figures: dict[str, go.Figure]) -> str:
    """Give figures as JSON that no text in it can end."""
    made = ",".join(f'"chart-{name}":{figure.to_json()}' for name, figure in figures.items())
    return "{" + made.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029") + "}"


def policy_of(*scripts: str) -> str:
    """Give the page's policy: its own scripts by their digest, styles, and pictures that it makes itself."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
