"""`ctrlab verify`: train one final run again and compare the model, or compute the report again and compare it all."""

from typing import Annotated

import typer

from ctrlab.cli.options import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab.cli.report_locations import root_and_key
from ctrlab.local.subcommands import run_interactively
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.names import ExitCode


def verify(
    name: Annotated[
        str,
        typer.Argument(
            help="NAME or NAMESPACE/NAME in the workspace, or the URI of the experiment's folder.", show_default=False
        ),
    ],
    variant: Annotated[str | None, typer.Option("--variant", help="Model whose run is trained again.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of that run.")] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Compute the report again from the raw predictions.")
    ] = False,
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
) -> None:
    """Repeat a run or the report, and compare with what is recorded; exit code 3 where they differ."""
    root, key = root_and_key(name, workspace)
    where = ["--store", root, "--experiment", key]
    if report and variant is None and seed is None:
        code = run_interactively("report", ["verify", *where])
    elif variant is not None and seed is not None and not report:
        code = run_interactively("trainer", ["verify", *where, "--variant", variant, "--seed", str(seed)])
    else:
        raise InvalidSpec([Problem("ctrlab verify", "give --variant and --seed for one run, or --report alone")])
    ends = {ExitCode.RUN_FAILED: ExitCode.EXPERIMENT_FAILED, ExitCode.BAD_SPEC_OR_DATA: ExitCode.INVALID_INPUT}
    raise typer.Exit(ends.get(ExitCode(code), ExitCode(code)) if code in list(ExitCode) else code)
