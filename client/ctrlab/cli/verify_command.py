"""`ctrlab verify`: trains a final run again and compares the model, or recomputes the report and compares it."""

from typing import Annotated

import typer

from ctrlab.cli.options import DEFAULT_WORKSPACE, ExperimentName, WorkspaceFolder
from ctrlab.cli.report_locations import folder_with_report, split_folder_uri
from ctrlab.local.subcommands import run_interactively
from ctrlab_api.errors import InvalidSpec, Problem


def verify(
    name: ExperimentName,
    variant: Annotated[str | None, typer.Option("--variant", help="Model of the run to train again.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the run to train again.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Recompute the report from the stored predictions.")] = False,
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
) -> None:
    """Repeat a final run or the report and compare it with the record; exit code 3 if they differ."""
    root, key = split_folder_uri(folder_with_report(name, workspace))
    location = ["--store", root, "--experiment", key.prefix]
    if report and variant is None and seed is None:
        code = run_interactively("report", ["verify", *location])
    elif variant is not None and seed is not None and not report:
        code = run_interactively("trainer", ["verify", *location, "--variant", variant, "--seed", str(seed)])
    else:
        raise InvalidSpec([Problem("ctrlab verify", "give --variant and --seed for one run, or --report alone")])
    raise typer.Exit(code)
