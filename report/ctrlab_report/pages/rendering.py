"""All files of a report from its summary: pure, and byte-identical for equal input."""

from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ctrlab_api.canonical_json import short_digest
from ctrlab_api.names import ReportFile
from ctrlab_api.records import ReportSummary
from ctrlab_report.figures import SVG_CLASSES, draw_figures
from ctrlab_report.inputs.report_inputs import ReportInputs
from ctrlab_report.pages import checklists, number_formats
from ctrlab_report.pages.csv_tables import comparisons_csv, runs_csv
from ctrlab_report.pages.latex_tables import tables_tex


def render_report(summary: ReportSummary, inputs: ReportInputs) -> dict[str, bytes]:
    """Contents by file name relative to the report's folder; the manifest is made when they are published."""
    figures = draw_figures(summary, inputs)
    content: dict[str, Any] = {
        "report": summary,
        "figures": figures,
        "primary": [row for row in summary.comparisons if row.role == "primary"],
        "exploratory": [row for row in summary.comparisons if row.role == "exploratory"],
        "studies": inputs.studies,
        "openings": [
            (record, opening)
            for run in inputs.runs
            for record in (run.record, *run.later_attempts)
            if record is not None
            for opening in record.openings
        ],
        "plan": inputs.plan,
        "ablations": inputs.ablations,
        "bootstrapped": any(
            found.test is not None and found.test.bootstrap is not None
            for model in summary.models
            for found in model.metrics.values()
        ),
        "svg_classes": SVG_CLASSES,
    }
    pages = {
        "report.md": template_environment(html=False).get_template("report.md.j2"),
        "report.html": template_environment(html=True).get_template("report.html.j2"),
    }
    return {
        ReportFile.SUMMARY: summary.to_json().encode(),
        "runs.csv": runs_csv(summary),
        "comparisons.csv": comparisons_csv(summary),
        "tables.tex": tables_tex(summary),
        **{name: template.render(content).encode() for name, template in pages.items()},
        **{f"figures/{name}.svg": figure.alone() for name, figure in figures.items()},
    }


def template_environment(html: bool) -> Environment:
    """The templates of every page, with the words and filters that they use."""
    templates = Environment(
        loader=PackageLoader("ctrlab_report"),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.globals["w"] = number_formats
    templates.globals["checklists"] = checklists
    templates.filters["short"] = short_digest
    templates.filters["inline"] = lambda figure: Markup(figure.inline())
    templates.filters["cell"] = partial(_cell, html)
    return templates


def _cell(html: bool, text: object) -> str:
    """Text for a table cell: in Markdown a vertical bar would end it."""
    return str(text) if html else str(text).replace("|", "\\|").replace("\n", " ")
