"""`ctrlab search`: take a frozen search out as a file, or train its trials again and compare."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ctrlab.cli.console import print_text
from ctrlab.cli.options import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab.cli.report_locations import split_folder_uri
from ctrlab.local import resource_files
from ctrlab.local.errors import WorkspaceError
from ctrlab.local.subcommands import run_interactively
from ctrlab.local.workspace import Workspace
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_store import ObjectNotFound, open_store

app = typer.Typer(help="Export and replay the search of a model.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(
        help="NAME or NAMESPACE/NAME in the workspace, or the URI of the experiment's folder.", show_default=False
    ),
]
ModelName = Annotated[str, typer.Option("--model", help="Model whose search it is.", show_default=False)]


@app.command(epilog="Example: ctrlab search export my-experiment --model SIN --output sin.json")
def export(
    name: Name,
    model: ModelName,
    output: Annotated[Path | None, typer.Option("--output", help="File to write; else it is printed.")] = None,
    format_: Annotated[
        Literal["json", "csv"], typer.Option("--format", help="The whole record, or its table.")
    ] = "json",
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
) -> None:
    """Write a frozen search: every trial with parameters, curve, worker and the versions it was made with."""
    root, key = _root_and_key(name, workspace)
    found = _frozen(
        name, model, f"{root}/{key}", ObjectKey.study(model) if format_ == "json" else ObjectKey.trials_csv(model)
    )
    if output is None:
        print_text(found.decode().rstrip("\n"))
        return
    try:
        output.write_bytes(found)
    except OSError as error:
        raise WorkspaceError.at(output, f"cannot be written: {error.strerror or error}") from None


@app.command(epilog="Example: ctrlab search replay my-experiment --model SIN --trials 3")
def replay(
    name: Name,
    model: ModelName,
    trials: Annotated[int, typer.Option("--trials", min=1, help="How many of the best trials.")] = 1,
    all_: Annotated[bool, typer.Option("--all", help="Every counted trial with a value.")] = False,
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
) -> None:
    """Train trials of a frozen search again and compare every epoch's value bit by bit; exit code 3 if one differs."""
    root, key = _root_and_key(name, workspace)
    _frozen(name, model, f"{root}/{key}", ObjectKey.study(model))
    how_many = [] if all_ else ["--trials", str(trials)]
    code = run_interactively("trainer", ["replay", "--store", root, "--experiment", key, "--variant", model, *how_many])
    ends = {
        ExitCode.RUN_FAILED: ExitCode.EXPERIMENT_FAILED,
        ExitCode.BAD_SPEC_OR_DATA: ExitCode.INVALID_INPUT,
    }
    raise typer.Exit(ends.get(ExitCode(code), ExitCode(code)) if code in list(ExitCode) else code)


def _frozen(name: str, model: str, uri: str, file: str) -> bytes:
    """A file of the search; InvalidSpec for a model that is not in the plan, WorkspaceError before it is frozen."""
    folder = open_store(uri)
    try:
        known = Plan.model_validate_json(folder.get(ObjectKey.PLAN)).names
        if model not in known:
            raise InvalidSpec([Problem("--model", f"{name} has no model {model!r}; known: {', '.join(known)}")])
        return folder.get(file)
    except ObjectNotFound as error:
        raise WorkspaceError.at(
            name, f"the search of {model} is not frozen yet ({error}); let it finish first"
        ) from None


def _root_and_key(name: str, workspace: Path) -> tuple[str, str]:
    """The store's root and NAMESPACE/NAME/UID; a search is frozen long before there is a report."""
    if "://" in name:
        return split_folder_uri(name, name)
    existing = Workspace.existing(workspace)
    meta = resource_files.find(existing, name).metadata
    return existing.store.uri, ExperimentKey.from_metadata(meta).prefix
