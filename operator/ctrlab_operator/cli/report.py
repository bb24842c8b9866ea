"""`ctrlab report`: the comparison of a finished experiment, as a table, Markdown or JSON."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

import typer
from pydantic import ValidationError

from ctrlab_contract.experiment import Experiment
from ctrlab_contract.records import ReportSummary
from ctrlab_contract.records.summary_parts import ComparisonSummary, MetricSummary
from ctrlab_operator.cli.output import say, show_table
from ctrlab_operator.cli.workspace_option import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab_operator.local import snapshot
from ctrlab_operator.local.errors import WorkspaceError
from ctrlab_operator.local.workspace import Workspace

Output = Annotated[
    Literal["table", "md", "json"],
    typer.Option("-o", "--output", help="table, md (report.md) or json (summary.json)."),
]


def report(
    name: Annotated[str, typer.Argument(help="NAME or NAMESPACE/NAME of the experiment.", show_default=False)],
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    output: Output = "table",
) -> None:
    """Print the report of an experiment."""
    place = Workspace.existing(workspace)
    experiment = snapshot.find(place, name)
    match output:
        case "table":
            show_summary(experiment)
            say(f"report: {report_folder(experiment) / 'report.html'}")
        case "md":
            say(_read(experiment, "report.md").rstrip("\n"))
        case "json":
            say(_read(experiment, "summary.json").rstrip("\n"))


def report_folder(experiment: Experiment) -> Path:
    """Where the report lies; WorkspaceError if there is none yet."""
    if experiment.status is None or experiment.status.report is None:
        stage = experiment.status.stage if experiment.status else "Pending"
        raise WorkspaceError.at(experiment.metadata.name, f"has no report yet (stage {stage}); `ctrlab run` makes it")
    return Path(unquote(urlsplit(experiment.status.report.uri).path))


def show_summary(experiment: Experiment) -> None:
    """Models and comparisons as tables."""
    try:
        summary = ReportSummary.model_validate_json(_read(experiment, "summary.json"))
    except ValidationError:
        raise WorkspaceError.at(
            report_folder(experiment) / "summary.json", "was written by another version of ctrlab, or is damaged"
        ) from None
    for title, columns, rows in tables(summary):
        show_table(columns, rows, title)
    for sentence in summary.answers:
        say(sentence)


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


def _read(experiment: Experiment, file: str) -> str:
    path = report_folder(experiment) / file
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise WorkspaceError.at(path, f"cannot be read: {error.strerror}") from None


def _cell(metric: MetricSummary | None) -> str:
    if metric is None or metric.test is None:
        return "-"
    return f"{metric.test.mean:.5f}" + (f" ± {metric.test.sd:.5f}" if metric.test.sd is not None else "")
