"""`ctrlab data`: fetching known data sets and looking into files; the trainer's process does the work."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ctrlab.cli.console import print_text, show_table
from ctrlab.cli.options import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab.importers.fuxictr.experiment_document import import_config
from ctrlab.local.subcommands import run_interactively, run_subcommand
from ctrlab.local.workspace import Workspace
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.records.inspections import FeatureStatistics, Inspection, SplitStatistics
from ctrlab_api.records.prepared_data import PreparedData

app = typer.Typer(help="Fetch, inspect and prepare data before any experiment.", no_args_is_help=True)

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

ABSENT = "–"


@app.command(epilog="Example: ctrlab data fetch ml-100k", context_settings=PASS_ON)
def fetch(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the data set.", show_default=False)],
) -> None:
    """Download a known data set into the data folder, checksum verified."""
    raise typer.Exit(run_interactively("trainer", ["fetch", name, *context.args]))


@app.command(epilog="Example: ctrlab data inspect experiment.yaml --html data.html")
def inspect(
    file: Annotated[Path, typer.Argument(help="A file with one CTRExperiment.", show_default=False)],
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a page with figures here.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON instead of tables.")] = False,
) -> None:
    """Show what models will see of an experiment's data, and warn of leaks."""
    text = run_subcommand("trainer", ["inspect", str(file)])
    if html is not None:
        with tempfile.TemporaryDirectory(prefix="ctrlab-inspect-") as folder:
            found_file = Path(folder) / "inspection.json"
            found_file.write_text(text, encoding="utf-8")
            run_subcommand("report", ["inspection", str(found_file), "--into", str(html.absolute())])
    if as_json:
        print(text, end="")
        return
    found = Inspection.model_validate_json(text)
    show_table(
        PART_COLUMNS, [_part(part) for part in found.parts], f"{found.name}: {found.source}, split {found.split}"
    )
    show_table(FEATURE_COLUMNS, [_feature(feature) for feature in found.features], "Features")
    for warning in found.warnings:
        print_text(f"warning: {warning.message}")
    if not found.warnings:
        print_text("nothing suspicious found")
    if html is not None:
        print_text(f"page: {html}")


@app.command(epilog="Example: ctrlab data prepare experiment.yaml --scheduler tcp://dask:8786")
def prepare(
    file: Annotated[Path, typer.Argument(help="A file with one CTRExperiment.", show_default=False)],
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    store: Annotated[
        str | None,
        typer.Option(help="Root of the store, such as s3://bucket/prefix; the workspace's unless given."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler whose workers read the source.", show_default=False)
    ] = None,
) -> None:
    """Encode the data into a store ahead of every experiment that uses them."""
    root = Workspace.open(workspace).store.uri if store is None else store
    engine = [] if scheduler is None else ["--scheduler", scheduler]
    found = PreparedData.model_validate_json(run_subcommand("trainer", ["encode", str(file), "--store", root, *engine]))
    parts = (("train", found.train), ("valid", found.valid), ("test", found.test))
    show_table(("part", "rows", "clicks"), [(name, str(part.rows), str(part.positives)) for name, part in parts])
    for warning in found.warnings:
        print_text(f"warning: {warning}")
    print_text(f"data set {found.digest} in {root}")


@app.command("import-fuxictr", epilog="Example: ctrlab data import-fuxictr config/ --output experiment.yaml")
def import_fuxictr(
    config: Annotated[
        Path, typer.Argument(help="FuxiCTR's folder of configurations, or its dataset_config.yaml.", show_default=False)
    ],
    dataset: Annotated[
        str | None, typer.Option(help="Which data set, where there are several.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the experiment here instead.", show_default=False)
    ] = None,
) -> None:
    """Print a FuxiCTR configuration as an experiment, and say what has no counterpart."""
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
        print(f"not as in FuxiCTR: {note}", file=sys.stderr)
    if output is not None:
        print_text(f"experiment: {output}")


PART_COLUMNS = ("part", "rows", "clicks", "share", "users", "without history")
FEATURE_COLUMNS = ("feature", "type", "values", "ids", "missing", "new in valid", "new in test", "AUC alone")


def _part(part: SplitStatistics) -> tuple[str, ...]:
    return (
        part.name,
        str(part.rows),
        str(part.positives),
        f"{part.click_rate:.4f}",
        ABSENT if part.users is None else str(part.users),
        _share(part.empty_histories),
    )


def _feature(feature: FeatureStatistics) -> tuple[str, ...]:
    return (
        feature.name,
        feature.type,
        str(feature.distinct),
        str(feature.vocabulary),
        _share(feature.missing),
        _share(feature.out_of_vocabulary_valid),
        _share(feature.out_of_vocabulary_test),
        ABSENT if feature.auc is None else f"{feature.auc:.4f}",
    )


def _share(share: float | None) -> str:
    return ABSENT if share is None else f"{share:.1%}"
