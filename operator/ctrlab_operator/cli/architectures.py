"""`ctrlab architectures`: what models there are, with parameters, removable parts and papers."""

from typing import Annotated

import typer
from pydantic.fields import FieldInfo

from ctrlab_contract.architectures import ARCHITECTURES, declaration
from ctrlab_contract.errors import InvalidSpec, Problem
from ctrlab_operator.cli.field_types import allowed, default_text, type_name
from ctrlab_operator.cli.output import say, show_table


def architectures(
    name: Annotated[str | None, typer.Argument(help="One architecture; all without.")] = None,
) -> None:
    """List the architectures, or one with its parameters and parts."""
    if name is None:
        rows = [
            [
                key,
                declared.title,
                "yes" if declared.needs_history else "no",
                ", ".join(declared.parts) or "-",
                declared.paper,
            ]
            for key, declared in ARCHITECTURES.items()
        ]
        show_table(("NAME", "TITLE", "HISTORY", "PARTS", "PAPER"), rows)
        return
    try:
        declared = declaration(name)
    except ValueError as error:
        raise InvalidSpec([Problem("architecture", str(error))]) from None
    say(f"{declared.title}: {declared.__doc__}")
    say(f"paper: {declared.paper}")
    if declared.needs_history:
        say("needs a feature of type History")
    show_table(
        ("PARAMETER", "TYPE", "DEFAULT", "ALLOWED", "MEANING"), [_row(*item) for item in declared.model_fields.items()]
    )
    if declared.parts:
        show_table(("PART", "MEANING"), [[part, meaning] for part, meaning in declared.parts.items()])


def _row(name: str, field: FieldInfo) -> list[str]:
    return [name, type_name(field.annotation), default_text(field), allowed(field) or "-", field.description or "-"]
