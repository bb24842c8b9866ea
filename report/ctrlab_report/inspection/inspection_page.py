"""One HTML page from an inspection: no network, light and dark, the same bytes for the same inspection."""

from ctrlab_api.records.inspections import Inspection, WarningKind
from ctrlab_report.figures import SVG_CLASSES
from ctrlab_report.inspection.inspection_figures import draw_inspection_figures
from ctrlab_report.pages.rendering import template_environment

WARNING_HEADINGS: dict[WarningKind, str] = {
    "Reveals": "A column that holds the label",
    "Duplicates": "The same rows in two parts",
    "TimeOverlap": "A look into the future",
    "NewUsers": "New users",
    "NewValues": "New values",
    "Drift": "Another share of clicks",
    "Constant": "Nothing to learn from",
    "EmptyHistory": "No history",
}


def inspection_html(found: Inspection) -> bytes:
    """The page as UTF-8."""
    template = template_environment(html=True).get_template("inspection.html.j2")
    content = {
        "found": found,
        "figures": draw_inspection_figures(found),
        "headings": WARNING_HEADINGS,
        "svg_classes": SVG_CLASSES,
    }
    return template.render(content).encode()
