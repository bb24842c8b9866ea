"""`ctrlab compare`: the models of several finished experiments, on one data set or across data sets."""

from pathlib import Path
from typing import Annotated

import typer

from ctrlab_contract.canonical import digest, short
from ctrlab_operator.cli.output import say
from ctrlab_operator.cli.published import folder_uri
from ctrlab_operator.cli.workspace_option import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab_operator.local.tools import answer


def compare(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="A B ...",
            help="Two experiments or more: NAME or NAMESPACE/NAME in the workspace, or URIs of their folders.",
            show_default=False,
        ),
    ],
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    metric: Annotated[str | None, typer.Option("--metric", help="Default: the primary metric of all.")] = None,
    margin: Annotated[str | None, typer.Option("--margin", help="The smallest difference that matters.")] = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="Folder of the files; default: comparisons/ in the workspace.")
    ] = None,
) -> None:
    """Compare finished experiments: same data row by row, five data sets or more by rank; always exploratory."""
    folders = [folder_uri(name, workspace) for name in names]
    options = [("--metric", metric), ("--margin", margin)]
    chosen = [part for option, value in options if value is not None for part in (option, value)]
    target = into or workspace / "comparisons" / short(digest([*folders, *chosen]))
    say(answer("report", ["compare", *folders, "--into", str(target), *chosen]).rstrip("\n"))
    say(f"\npage: {target / 'comparison.html'}")
