"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ctrlab.local.workspace import DEFAULT_FOLDER
from ctrlab_api.names import Variable

WorkspaceFolder = Annotated[
    Path, typer.Option("--workspace", "-w", envvar=Variable.WORKSPACE, help="Folder with results, studies and logs.")
]

Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=1024, help="Maximum number of processes; default: one per CPU."),
]

ExperimentName = Annotated[
    str,
    typer.Argument(
        help="NAME or NAMESPACE/NAME in the workspace, or the URI of the experiment's folder (s3://… or file://…).",
        show_default=False,
    ),
]

DEFAULT_WORKSPACE = DEFAULT_FOLDER


def cpu_count() -> int:
    """Return the number of CPUs that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
