"""`ctrlab architectures`: the available models with their parameters, removable parts and papers."""

from typing import Annotated

import typer
from pydantic.fields import FieldInfo

from ctrlab.cli.console import print_text, show_table
from ctrlab.cli.field_types import constraints_text, default_text, type_name
from ctrlab_api.architectures import ARCHITECTURES, declaration
from ctrlab_api.errors import InvalidSpec, Problem


def architectures(
    name: Annotated[str | None, typer.Argument(help="Architecture to describe; default: list all.")] = None,
) -> None:
    """List the architectures, or describe one with its parameters and parts."""
    if name is None:
        rows = [
            [
                key,
                architecture.title,
                "yes" if architecture.needs_history else "no",
                ", ".join(architecture.parts) or "-",
                architecture.paper,
            ]
            for key, architecture in ARCHITECTURES.items()
        ]
        show_table(("NAME", "TITLE", "HISTORY", "PARTS", "PAPER"), rows)
        return
    try:
        architecture = declaration(name)
    except ValueError as error:
        raise InvalidSpec([Problem("architecture", str(error))]) from None
    print_text(f"{architecture.title}: {architecture.__doc__}")
    print_text(f"paper: {architecture.paper}")
    if architecture.needs_history:
        print_text("needs a feature of type History")
    parameters = [_parameter_row(*item) for item in architecture.model_fields.items()]
    show_table(("PARAMETER", "TYPE", "DEFAULT", "ALLOWED", "MEANING"), parameters)
    if architecture.parts:
        show_table(("PART", "MEANING"), [[part, meaning] for part, meaning in architecture.parts.items()])


def _parameter_row(name: str, field: FieldInfo) -> list[str]:
    return [
        name,
        type_name(field.annotation),
        default_text(field),
        constraints_text(field) or "-",
        field.description or "-",
    ]
