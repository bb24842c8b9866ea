"""`ctrlab explain`: the documentation of specification fields, as `kubectl explain` prints it."""

from typing import Annotated

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ctrlab.cli.console import print_text
from ctrlab.cli.field_types import constraints_text, default_text, nested_model, type_name
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.loading.resource_loading import KINDS

ROOTS: dict[str, type[BaseModel]] = {kind.lower(): model for kind, model in KINDS.items()}


def explain(
    path: Annotated[
        str, typer.Argument(help="Field path, such as spec.tuning, or ablation.spec.variants for an Ablation.")
    ] = "ctrexperiment",
) -> None:
    """Describe a field: its type, default, allowed values and subfields."""
    parts = [part for part in path.replace("[]", "").split(".") if part]
    root = parts.pop(0).lower() if parts and parts[0].lower() in ROOTS else "ctrexperiment"
    model: type[BaseModel] | None = ROOTS[root]
    field: FieldInfo | None = None
    resolved = root
    for part in parts:
        fields = _fields(model)
        if part not in fields:
            raise InvalidSpec([Problem(resolved, f"has no field {part!r}; known: {', '.join(fields) or 'none'}")])
        field = fields[part]
        model = nested_model(field.annotation)
        resolved = f"{resolved}.{part}"
    for line in _describe(resolved, field, model):
        print_text(line)


def _describe(path: str, field: FieldInfo | None, model: type[BaseModel] | None) -> list[str]:
    lines = [f"FIELD: {path}"]
    if field is not None:
        lines.append(f"TYPE: {type_name(field.annotation)}")
        lines.append(f"DEFAULT: {default_text(field)}")
        if constraints_text(field):
            lines.append(f"ALLOWED: {constraints_text(field)}")
        if field.description and not (model and (model.__doc__ or "").startswith(field.description.rstrip("."))):
            lines += ["", *_indented(field.description)]
    if model is not None:
        lines += ["", *_indented(model.__doc__ or "")]
        lines += ["", "FIELDS:"]
        for name, subfield in _fields(model).items():
            lines.append(f"  {name} <{type_name(subfield.annotation)}> ({default_text(subfield)})")
            lines += [f"    {line}" for line in _indented(subfield.description or "")]
    return lines


def _fields(model: type[BaseModel] | None) -> dict[str, FieldInfo]:
    """Return the fields by their names in YAML."""
    return {field.alias or name: field for name, field in model.model_fields.items()} if model else {}


def _indented(text: str) -> list[str]:
    return [f"  {line.strip()}" for line in text.strip().splitlines()]
