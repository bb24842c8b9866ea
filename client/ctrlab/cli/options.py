"""The options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ctrlab.local.workspace import DEFAULT_FOLDER
from ctrlab_api.names import Variable

WorkspaceFolder = Annotated[
    Path, typer.Option("--workspace", "-w", envvar=Variable.WORKSPACE, help="Folder of results, study and logs.")
]

Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=1024, help="Processes at the same time; by default one for each CPU."),
]

DEFAULT_WORKSPACE = DEFAULT_FOLDER


def cpu_count() -> int:
    """CPUs that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
