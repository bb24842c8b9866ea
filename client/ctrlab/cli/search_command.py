"""`ctrlab search`: exports a frozen study to a file, or trains its trials again and compares them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ctrlab.cli.console import print_text
from ctrlab.cli.options import DEFAULT_WORKSPACE, ExperimentName, WorkspaceFolder
from ctrlab.cli.report_locations import split_folder_uri
from ctrlab.local import resource_files
from ctrlab.local.errors import WorkspaceError
from ctrlab.local.subcommands import run_interactively
from ctrlab.local.workspace import Workspace
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_store import ObjectNotFound, open_store

app = typer.Typer(help="Export and replay the hyperparameter search of a model.", no_args_is_help=True)

ModelName = Annotated[str, typer.Option("--model", help="Model that was tuned.", show_default=False)]


@app.command(epilog="Example: ctrlab search export my-experiment --model SIN --output sin.json")
def export(
    name: ExperimentName,
    model: ModelName,
    output: Annotated[Path | None, typer.Option("--output", help="Output file; default: standard output.")] = None,
    format_: Annotated[
        Literal["json", "csv"], typer.Option("--format", help="The whole record as JSON, or its trials as CSV.")
    ] = "json",
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
) -> None:
    """Write a frozen study: every trial with parameters, learning curve, worker and software versions."""
    root, key = _root_and_key(name, workspace)
    object_key = ObjectKey.study(model) if format_ == "json" else ObjectKey.trials_csv(model)
    content = _read_frozen(name, model, f"{root}/{key}", object_key)
    if output is None:
        print_text(content.decode().rstrip("\n"))
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise WorkspaceError.at(output, f"cannot be written: {error.strerror or error}") from None


@app.command(epilog="Example: ctrlab search replay my-experiment --model SIN --trials 3")
def replay(
    name: ExperimentName,
    model: ModelName,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Number of best trials to replay.")] = 1,
    all_: Annotated[bool, typer.Option("--all", help="Replay every counted trial that has a value.")] = False,
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
) -> None:
    """Train trials of a frozen study again and compare each epoch bit by bit; exit code 3 if any value differs."""
    root, key = _root_and_key(name, workspace)
    _read_frozen(name, model, f"{root}/{key}", ObjectKey.study(model))
    options = [] if all_ else ["--trials", str(trials)]
    location = ["--store", root, "--experiment", key.prefix]
    raise typer.Exit(run_interactively("trainer", ["replay", *location, "--variant", model, *options]))


def _read_frozen(name: str, model: str, uri: str, object_key: str) -> bytes:
    """Read an object of a frozen study; InvalidSpec for an unknown model, WorkspaceError before the study is frozen."""
    folder = open_store(uri)
    try:
        known = Plan.model_validate_json(folder.get(ObjectKey.PLAN)).names
        if model not in known:
            raise InvalidSpec([Problem("--model", f"{name} has no model {model!r}; known: {', '.join(known)}")])
        return folder.get(object_key)
    except ObjectNotFound as error:
        message = f"the study of {model} is not frozen yet ({error}); let it finish first"
        raise WorkspaceError.at(name, message) from None


def _root_and_key(name: str, workspace: Path) -> tuple[str, ExperimentKey]:
    """Return the URI of the store's root and the key; needs no report, because studies are frozen long before it."""
    if "://" in name:
        return split_folder_uri(name)
    existing = Workspace.open_existing(workspace)
    return existing.store.uri, ExperimentKey.from_metadata(resource_files.find(existing, name).metadata)
