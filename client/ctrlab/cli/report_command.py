"""`ctrlab report`: the comparison of a finished experiment, as a table, Markdown or JSON."""

from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from ctrlab.cli.console import print_text, show_table
from ctrlab.cli.options import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab.cli.report_locations import newest_report, page_of
from ctrlab.local.errors import WorkspaceError
from ctrlab_api.names import ReportFile
from ctrlab_api.records import ReportSummary
from ctrlab_api.records.summary_rows import ComparisonSummary, MetricSummary
from ctrlab_store import Store, StoreError

Output = Annotated[
    Literal["table", "md", "json"],
    typer.Option("-o", "--output", help="table, md (report.md) or json (summary.json)."),
]


def report(
    name: Annotated[
        str,
        typer.Argument(
            help="NAME or NAMESPACE/NAME in the workspace, or the URI of the experiment's folder (s3://… or file://…).",
            show_default=False,
        ),
    ],
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    output: Output = "table",
) -> None:
    """Print the report of an experiment."""
    found = newest_report(name, workspace)
    match output:
        case "table":
            show_summary(found)
            print_text(f"report: {page_of(found)}")
        case "md":
            print_text(_read(found, "report.md").rstrip("\n"))
        case "json":
            print_text(_read(found, ReportFile.SUMMARY).rstrip("\n"))


def show_summary(report: Store) -> None:
    """Models and comparisons as tables."""
    try:
        summary = ReportSummary.model_validate_json(_read(report, ReportFile.SUMMARY))
    except ValidationError:
        raise WorkspaceError.at(
            f"{report.uri.rstrip('/')}/summary.json", "was written by another version of ctrlab, or is damaged"
        ) from None
    for title, columns, rows in tables(summary):
        show_table(columns, rows, title)
    for sentence in summary.answers:
        print_text(sentence)


def tables(summary: ReportSummary) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, columns and rows of what is printed: each model's metrics on test, then each comparison."""
    metrics = list(summary.metrics)
    models = [[model.name, *(_cell(model.metrics.get(metric)) for metric in metrics)] for model in summary.models]
    found = [("Test set, mean ± standard deviation over seeds", ["model", *metrics], models)]
    primary = [_comparison(comparison) for comparison in summary.comparisons if comparison.role == "primary"]
    if primary:
        columns = ["pair", "metric", "difference", f"{summary.confidence:.0%} interval", "p (adjusted)", "verdict"]
        found.append(("Comparisons", columns, primary))
    return found


def _comparison(found: ComparisonSummary) -> list[str]:
    """The population estimate where there is one, the one for this test set otherwise."""
    population, here = found.population, found.this_test_set
    interval = population.interval if population else here.interval if here else None
    p = (population.p_adjusted if population.p_adjusted is not None else population.p) if population else None
    return [
        f"{found.a} - {found.b}",
        found.metric,
        "-" if found.difference is None else f"{found.difference:+.5f}",
        f"[{interval.low:+.5f}, {interval.high:+.5f}]" if interval else "-",
        "-" if p is None else f"{p:.3g}",
        found.label or found.verdict or "-",
    ]


def _read(report: Store, file: str) -> str:
    try:
        return report.get(file).decode()
    except StoreError as error:
        raise WorkspaceError.at(report.uri, f"cannot be read: {error}") from None


def _cell(metric: MetricSummary | None) -> str:
    if metric is None or metric.test is None:
        return "-"
    return f"{metric.test.mean:.5f}" + (f" ± {metric.test.sd:.5f}" if metric.test.sd is not None else "")
