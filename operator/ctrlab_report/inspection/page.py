"""One HTML page from an inspection: no network, light and dark, the same bytes for the same inspection."""

from ctrlab_contract.records.inspection import Inspection, WarningKind
from ctrlab_report.figures import CLASSES
from ctrlab_report.inspection.figures import draw
from ctrlab_report.render import environment

HEADINGS: dict[WarningKind, str] = {
    "Reveals": "A column that holds the label",
    "Duplicates": "The same rows in two parts",
    "TimeOverlap": "A look into the future",
    "NewUsers": "New users",
    "NewValues": "New values",
    "Drift": "Another share of clicks",
    "Constant": "Nothing to learn from",
    "EmptyHistory": "No history",
}


def page(found: Inspection) -> bytes:
    """The page as UTF-8."""
    template = environment(html=True).get_template("inspection.html.j2")
    content = {"found": found, "figures": draw(found), "headings": HEADINGS, "svg_classes": CLASSES}
    return template.render(content).encode()
