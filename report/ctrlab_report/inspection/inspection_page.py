"""Renders an inspection as one HTML page: no network, light and dark, the same bytes for the same inspection."""

from ctrlab_api.records.inspections import Inspection, WarningKind
from ctrlab_report.figures import SVG_CLASSES
from ctrlab_report.inspection.inspection_figures import draw_inspection_figures
from ctrlab_report.pages.rendering import template_environment

WARNING_HEADINGS: dict[WarningKind, str] = {
    "Reveals": "A column that reveals the label",
    "Duplicates": "The same rows in two splits",
    "TimeOverlap": "Splits overlap in time",
    "NewUsers": "New users",
    "SeparatedGroups": "Groups with rows in several splits",
    "NewValues": "New values",
    "Drift": "Click rates differ between splits",
    "Constant": "A constant column",
    "EmptyHistory": "Empty histories",
    "FileOrder": "The order of files",
    "UndefinedMetric": "A metric that is undefined for these data",
    "Lists": "Lists",
    "Spelling": "Values in several spellings",
    "Matches": "Few matches in side tables or vectors",
    "FewClicks": "Few clicks",
}


def inspection_html(inspection: Inspection) -> bytes:
    """Return the page as UTF-8."""
    template = template_environment(html=True).get_template("inspection.html.j2")
    content = {
        "inspection": inspection,
        "figures": draw_inspection_figures(inspection),
        "headings": WARNING_HEADINGS,
        "svg_classes": SVG_CLASSES,
    }
    return template.render(content).encode()
