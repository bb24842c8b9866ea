"""Renders all files of a report from its summary: pure, and byte-identical for equal input."""

from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ctrlab_api.canonical_json import short_digest
from ctrlab_api.names import ReportFile
from ctrlab_api.records import ReportSummary
from ctrlab_report.figures import SVG_CLASSES, draw_figures
from ctrlab_report.formatting import number_formats
from ctrlab_report.inputs.report_inputs import ReportInputs
from ctrlab_report.pages.checklists import neurips_answers, reforms_answers
from ctrlab_report.pages.csv_tables import comparisons_csv, runs_csv
from ctrlab_report.pages.latex_tables import tables_tex

TEMPLATE_FUNCTIONS = (
    number_formats.anomaly_name,
    number_formats.decimals_for_spread,
    number_formats.difference_decimals,
    number_formats.drop_decimals,
    number_formats.format_bytes,
    number_formats.format_confidence,
    number_formats.format_count,
    number_formats.format_difference,
    number_formats.format_distribution_free_p,
    number_formats.format_duration,
    number_formats.format_interval,
    number_formats.format_mean_sd,
    number_formats.format_p,
    number_formats.format_p_clause,
    number_formats.format_parameter,
    number_formats.format_percent,
    number_formats.format_signed_interval,
    number_formats.format_signed_percent,
    number_formats.format_signed_range,
    number_formats.format_single_run,
    number_formats.format_value,
    number_formats.metric_decimals,
    number_formats.metric_name,
    number_formats.newest_page_path,
    number_formats.verdict_style,
    neurips_answers,
    reforms_answers,
)
"""Functions that templates call by their names."""


def render_report(summary: ReportSummary, inputs: ReportInputs) -> dict[str, bytes]:
    """Return the content of each file by its name relative to the report's folder.

    The manifest is not among them: it is made when they are published.
    """
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
            metric.test is not None and metric.test.bootstrap is not None
            for model in summary.models
            for metric in model.metrics.values()
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
        **{f"figures/{name}.svg": figure.svg_file() for name, figure in figures.items()},
    }


def template_environment(html: bool) -> Environment:
    """Return the templates of all pages, with the functions and filters that they use."""
    templates = Environment(
        loader=PackageLoader("ctrlab_report"),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.globals.update({function.__name__: function for function in TEMPLATE_FUNCTIONS})
    templates.filters["short"] = short_digest
    templates.filters["inline"] = lambda figure: Markup(figure.inline_svg())
    templates.filters["cell"] = partial(_table_cell, html)
    return templates


def _table_cell(html: bool, text: object) -> str:
    """Return the text of a table cell; in Markdown, a vertical bar would end the cell."""
    return str(text) if html else str(text).replace("|", "\\|").replace("\n", " ")
