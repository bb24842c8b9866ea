"""`ctrlab compare`: compares the models of several finished experiments, on one data set or across data sets."""

from pathlib import Path
from typing import Annotated

import typer

from ctrlab.cli.console import print_text
from ctrlab.cli.options import DEFAULT_WORKSPACE, WorkspaceFolder
from ctrlab.cli.report_locations import folder_with_report
from ctrlab.local.subcommands import run_subcommand
from ctrlab_api.canonical_json import digest, short_digest


def compare(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="A B ...",
            help="Two or more experiments: NAME or NAMESPACE/NAME in the workspace, or URIs of their folders.",
            show_default=False,
        ),
    ],
    workspace: WorkspaceFolder = DEFAULT_WORKSPACE,
    metric: Annotated[
        str | None, typer.Option("--metric", help="Metric to compare; default: the common primary metric.")
    ] = None,
    margin: Annotated[
        str | None, typer.Option("--margin", help="Largest difference that counts as equal in practice.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="Output folder; default: comparisons/ in the workspace.")
    ] = None,
) -> None:
    """Compare finished experiments: row by row on the same data, by rank on five or more data sets; exploratory."""
    folders = [folder_with_report(name, workspace) for name in names]
    options = [("--metric", metric), ("--margin", margin)]
    arguments = [part for option, value in options if value is not None for part in (option, value)]
    output = into or workspace / "comparisons" / short_digest(digest([*folders, *arguments]))
    print_text(run_subcommand("report", ["compare", *folders, "--into", str(output), *arguments]).rstrip("\n"))
    print_text(f"\npage: {output / 'comparison.html'}")
