"""`ctrlab report`: the results of a finished experiment as a table, Markdown or JSON."""

from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from ctrlab.cli.console import print_text, show_table
from ctrlab.cli.options import DEFAULT_WORKSPACE, ExperimentName, WorkspaceFolder
from ctrlab.cli.report_locations import newest_report, page_location
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
    name: ExperimentName,
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    output: Output = "table",
) -> None:
    """Print the report of an experiment."""
    folder = newest_report(name, workspace)
    match output:
        case "table":
            show_summary(folder)
            print_text(f"report: {page_location(folder)}")
        case "md":
            print_text(_read(folder, ReportFile.MARKDOWN).rstrip("\n"))
        case "json":
            print_text(_read(folder, ReportFile.SUMMARY).rstrip("\n"))


def show_summary(report: Store) -> None:
    """Print models and comparisons as tables, then the answers as sentences and the warnings."""
    try:
        summary = ReportSummary.model_validate_json(_read(report, ReportFile.SUMMARY))
    except ValidationError:
        raise WorkspaceError.at(
            f"{report.uri.rstrip('/')}/{ReportFile.SUMMARY}", "was written by another version of ctrlab, or is damaged"
        ) from None
    for title, columns, rows in summary_tables(summary):
        show_table(columns, rows, title)
    for sentence in summary.answers:
        print_text(sentence)
    for finding in summary.findings:
        if finding.severity == "warning":
            print_text(f"warning: {finding.where}: {finding.message}")


def summary_tables(summary: ReportSummary) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return title, columns and rows of each table: test metrics of the models, then the primary comparisons."""
    metrics = list(summary.metrics)
    models = [
        [model.name, *(_mean_and_sd(model.metrics.get(metric)) for metric in metrics)] for model in summary.models
    ]
    tables = [("Test set, mean ± standard deviation over seeds", ["model", *metrics], models)]
    primary = [_comparison_row(comparison) for comparison in summary.comparisons if comparison.role == "primary"]
    if primary:
        columns = ["pair", "metric", "difference", f"{summary.confidence:.0%} interval", "p (adjusted)", "verdict"]
        tables.append(("Comparisons", columns, primary))
    return tables


def _comparison_row(comparison: ComparisonSummary) -> list[str]:
    """Return a table row with the population estimate, or the estimate for this test set if there is none."""
    population, this_test_set = comparison.population, comparison.this_test_set
    interval = population.interval if population else this_test_set.interval if this_test_set else None
    p = (population.p_adjusted if population.p_adjusted is not None else population.p) if population else None
    return [
        f"{comparison.a} - {comparison.b}",
        comparison.metric,
        "-" if comparison.difference is None else f"{comparison.difference:+.5f}",
        f"[{interval.low:+.5f}, {interval.high:+.5f}]" if interval else "-",
        "-" if p is None else f"{p:.3g}",
        comparison.label or comparison.verdict or "-",
    ]


def _read(report: Store, file: str) -> str:
    try:
        return report.get(file).decode()
    except StoreError as error:
        raise WorkspaceError.at(report.uri, f"cannot be read: {error}") from None


def _mean_and_sd(metric: MetricSummary | None) -> str:
    if metric is None or metric.test is None:
        return "-"
    return f"{metric.test.mean:.5f}" + (f" ± {metric.test.sd:.5f}" if metric.test.sd is not None else "")
