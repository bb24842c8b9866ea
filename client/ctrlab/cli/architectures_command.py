"""`ctrlab architectures`: what models there are, with parameters, removable parts and papers."""

from typing import Annotated

import typer
from pydantic.fields import FieldInfo

from ctrlab.cli.console import print_text, show_table
from ctrlab.cli.field_types import allowed, default_text, type_name
from ctrlab_api.architectures import ARCHITECTURES, declaration
from ctrlab_api.errors import InvalidSpec, Problem


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
    print_text(f"{declared.title}: {declared.__doc__}")
    print_text(f"paper: {declared.paper}")
    if declared.needs_history:
        print_text("needs a feature of type History")
    show_table(
        ("PARAMETER", "TYPE", "DEFAULT", "ALLOWED", "MEANING"), [_row(*item) for item in declared.model_fields.items()]
    )
    if declared.parts:
        show_table(("PART", "MEANING"), [[part, meaning] for part, meaning in declared.parts.items()])


def _row(name: str, field: FieldInfo) -> list[str]:
    return [name, type_name(field.annotation), default_text(field), allowed(field) or "-", field.description or "-"]
