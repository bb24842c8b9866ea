"""`ctrlab data`: fetch, inspect, prepare and import data sets; a trainer process reads the data."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ctrlab.cli.console import print_text, show_table
from ctrlab.cli.data_facts import print_matches, print_times
from ctrlab.cli.options import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab.importers.fuxictr.experiment_document import import_config
from ctrlab.local.subcommands import run_interactively, run_subcommand
from ctrlab.local.workspace import Workspace
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.records.inspections import FeatureStatistics, Inspection, SplitStatistics
from ctrlab_api.records.prepared_data import PreparedData

app = typer.Typer(help="Fetch, inspect and prepare data before an experiment.", no_args_is_help=True)

FORWARD_EXTRA_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}

NOT_AVAILABLE = "–"

SPLIT_COLUMNS = ("split", "rows", "clicks", "click rate", "users", "without history")
FEATURE_COLUMNS = ("feature", "type", "values", "ids", "missing", "new in valid", "new in test", "AUC alone")


@app.command(epilog="Example: ctrlab data fetch ml-100k", context_settings=FORWARD_EXTRA_ARGUMENTS)
def fetch(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the data set.", show_default=False)],
) -> None:
    """Download a built-in data set into the data folder and verify its checksum."""
    raise typer.Exit(run_interactively("trainer", ["fetch", name, *context.args]))


@app.command(epilog="Example: ctrlab data inspect experiment.yaml --html data.html")
def inspect(
    file: Annotated[
        Path, typer.Argument(help="A file with one CTRExperiment, or a file or folder of data.", show_default=False)
    ],
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a page with figures to this file.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON instead of tables.")] = False,
) -> None:
    """Show the data of an experiment as the models see them, and warn of possible leaks.

    For a file or folder of data, label, user, time and features are guessed, as by `ctrlab init`.
    """
    text = run_subcommand("trainer", ["inspect", str(file)])
    if html is not None:
        with tempfile.TemporaryDirectory(prefix="ctrlab-inspect-") as folder:
            inspection_file = Path(folder) / "inspection.json"
            inspection_file.write_text(text, encoding="utf-8")
            run_subcommand("report", ["inspection", str(inspection_file), "--into", str(html.absolute())])
    if as_json:
        print(text, end="")
        return
    inspection = Inspection.model_validate_json(text)
    for guess in inspection.guesses:
        print_text(f"guess: {guess}")
    title = f"{inspection.name}: {inspection.source}, split {inspection.split}"
    show_table(SPLIT_COLUMNS, [_split_row(split) for split in inspection.parts], title)
    show_table(FEATURE_COLUMNS, [_feature_row(feature) for feature in inspection.features], "Features")
    print_times(inspection.time_format)
    print_matches(inspection.matches)
    for warning in inspection.warnings:
        print_text(f"warning: {warning.message}")
    if not inspection.warnings:
        print_text("no warnings")
    if html is not None:
        print_text(f"page: {html}")


@app.command(epilog="Example: ctrlab data prepare experiment.yaml --scheduler tcp://dask:8786")
def prepare(
    file: Annotated[Path, typer.Argument(help="A file with one CTRExperiment.", show_default=False)],
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    store: Annotated[
        str | None,
        typer.Option(help="Root of the store, such as s3://bucket/prefix; default: the store of the workspace."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler whose workers read the source.", show_default=False)
    ] = None,
) -> None:
    """Encode the data into a store before the experiments that use them."""
    root = Workspace.open(workspace).store.uri if store is None else store
    options = [] if scheduler is None else ["--scheduler", scheduler]
    output = run_subcommand("trainer", ["encode", str(file), "--store", root, *options])
    prepared = PreparedData.model_validate_json(output)
    splits = (("train", prepared.train), ("valid", prepared.valid), ("test", prepared.test))
    show_table(("split", "rows", "clicks"), [(name, str(s.rows), str(s.positives)) for name, s in splits])
    print_times(prepared.time_format)
    print_matches(prepared.matches)
    for warning in prepared.warnings:
        print_text(f"warning: {warning}")
    print_text(f"data set {prepared.digest} in {root}")


@app.command("import-fuxictr", epilog="Example: ctrlab data import-fuxictr config/ --output experiment.yaml")
def import_fuxictr(
    config: Annotated[
        Path,
        typer.Argument(
            help="FuxiCTR's configuration folder, its dataset_config.yaml, or a data set it has built.",
            show_default=False,
        ),
    ],
    dataset: Annotated[
        str | None, typer.Option(help="Data set to import if there are several.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the experiment to this new file.", show_default=False)
    ] = None,
) -> None:
    """Convert a FuxiCTR configuration to an experiment, and list what cannot be converted."""
    document = import_config(config, dataset)
    if output is None:
        print(document.text, end="")
    else:
        try:
            with output.open("x", encoding="utf-8") as file:
                file.write(document.text)
        except OSError as error:
            raise InvalidSpec([Problem("--output", f"{output} cannot be written: {error.strerror}")]) from None
    for note in document.notes:
        print(f"differs from FuxiCTR: {note}", file=sys.stderr)
    if output is not None:
        print_text(f"experiment: {output}")


def _split_row(split: SplitStatistics) -> tuple[str, ...]:
    return (
        split.name,
        str(split.rows),
        str(split.positives),
        f"{split.click_rate:.4f}",
        NOT_AVAILABLE if split.users is None else str(split.users),
        _percentage(split.empty_histories),
    )


def _feature_row(feature: FeatureStatistics) -> tuple[str, ...]:
    return (
        feature.name,
        feature.type,
        str(feature.distinct),
        str(feature.vocabulary),
        _percentage(feature.missing),
        _percentage(feature.out_of_vocabulary_valid),
        _percentage(feature.out_of_vocabulary_test),
        NOT_AVAILABLE if feature.auc is None else f"{feature.auc:.4f}",
    )


def _percentage(share: float | None) -> str:
    return NOT_AVAILABLE if share is None else f"{share:.1%}"
