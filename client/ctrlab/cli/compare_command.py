"""`ctrlab compare`: the models of several finished experiments, on one data set or across data sets."""

from pathlib import Path
from typing import Annotated

import typer

from ctrlab.cli.console import print_text
from ctrlab.cli.options import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab.cli.report_locations import folder_uri
from ctrlab.local.subcommands import run_subcommand
from ctrlab_api.canonical_json import digest, short_digest


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
    target = into or workspace / "comparisons" / short_digest(digest([*folders, *chosen]))
    print_text(run_subcommand("report", ["compare", *folders, "--into", str(target), *chosen]).rstrip("\n"))
    print_text(f"\npage: {target / 'comparison.html'}")
