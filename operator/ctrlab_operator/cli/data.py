"""`ctrlab data`: fetching known data sets and looking into files; the trainer's process does the work."""

from pathlib import Path
from typing import Annotated

import typer

from ctrlab_operator.local.tools import hand_over

app = typer.Typer(help="Fetch known data sets and inspect files.", no_args_is_help=True)

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(epilog="Example: ctrlab data fetch ml-100k", context_settings=PASS_ON)
def fetch(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the data set.", show_default=False)],
) -> None:
    """Download a known data set into the data folder, checksum verified."""
    raise typer.Exit(hand_over("trainer", ["fetch", name, *context.args]))


@app.command(epilog="Example: ctrlab data inspect ratings.tsv", context_settings=PASS_ON)
def inspect(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file, or a specification with a dataset.", show_default=False)],
) -> None:
    """Show columns, types and counts of a file."""
    raise typer.Exit(hand_over("trainer", ["inspect", str(file), *context.args]))
