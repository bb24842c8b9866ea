"""`ctrlab init`: an experiment proposed from a data file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ctrlab.local.subcommands import run_subcommand
from ctrlab_api.records.proposals import Proposal

Column = Annotated[str | None, typer.Option(help="Column with this role, instead of a guess.", show_default=False)]


def init(
    file: Annotated[Path, typer.Argument(help="A file or folder of data, in any format.", show_default=False)],
    label: Column = None,
    user: Column = None,
    item: Column = None,
    time: Column = None,
) -> None:
    """Propose an experiment for a file of clicks: print commented YAML, in which every guess has its reason.

    Label, time, user, item, features and split are guessed from names and values of a sample. Guesses that another
    reading fits as well are marked REVIEW; they are also listed on standard error.
    """
    chosen = {"label": label, "user": user, "item": item, "time": time}
    options = [text for role, column in chosen.items() if column is not None for text in (f"--{role}", column)]
    proposal = Proposal.model_validate_json(run_subcommand("trainer", ["propose", str(file), *options]))
    print(proposal.text, end="")
    for note in proposal.notes:
        print(f"note: {note}", file=sys.stderr)
    for line in proposal.reviews:
        print(f"review: {line}", file=sys.stderr)
