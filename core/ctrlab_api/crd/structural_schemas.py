"""pydantic's JSON schema as a Kubernetes structural schema.

A structural schema has a type at every node and no references, unions or nulls; an API server refuses any other. What
this conversion does not know is an error here and not a surprise at `kubectl apply`.
"""

from typing import Any

from pydantic import BaseModel

from ctrlab_api.cel import CEL_VALIDATIONS

Schema = dict[str, Any]

CARRIED = (
    "description",
    "default",
    "enum",
    "pattern",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields",
    CEL_VALIDATIONS,
)
"""Keywords that mean the same on both sides."""

TRANSLATED = {"type", "title", "$ref", "anyOf", "const", "properties", "required", "items", "prefixItems"} | {
    "additionalProperties",
    "x-kubernetes-int-or-string",
}
"""Keywords that `_translated` reads or leaves out."""


def structural_schema(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """The structural schema of a model's objects; without `defaults` an absent field stays absent.

    Raises ValueError for a keyword that has no structural form.
    """
    schema = model.model_json_schema(by_alias=True)
    return _translated(schema, schema.get("$defs", {}), model.__name__, defaults)


def _translated(schema: Schema, definitions: dict[str, Schema], path: str, defaults: bool) -> Schema:
    source = _resolved(schema, definitions)
    strange = source.keys() - TRANSLATED - set(CARRIED) - {"$defs"}
    if strange:
        raise ValueError(f"{path}: {', '.join(sorted(strange))} has no form in a structural schema")
    result: Schema = {} if "x-kubernetes-int-or-string" in source else {"type": source["type"]}
    for keyword in CARRIED:
        if keyword in source:
            result[keyword] = source[keyword]
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if "default" in result:
        result["default"] = _without_absent(result["default"])
        if not defaults or result["default"] is None:
            del result["default"]
    if "const" in source:
        result["enum"] = [source["const"]]
    if source.get("type") == "integer":
        result["format"] = "int64"
    if "x-kubernetes-int-or-string" in source:
        result |= {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
    if "required" in source:
        result["required"] = source["required"]
    if "properties" in source:
        result["properties"] = {
            name: _translated(member, definitions, f"{path}.{name}", defaults)
            for name, member in source["properties"].items()
        }
    elements = source.get("items") or next(iter(source.get("prefixItems", ())), None)
    if elements is not None:
        result["items"] = _translated(elements, definitions, f"{path}[]", defaults)
    values = source.get("additionalProperties")
    if isinstance(values, dict):
        result["additionalProperties"] = _translated(values, definitions, f"{path}.*", defaults)
    return result


def _resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Without reference and without `| None`; what stands beside the reference (a field's own text) wins."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return _resolved(target | {key: value for key, value in schema.items() if key != "$ref"}, definitions)
    if "anyOf" in schema and "x-kubernetes-int-or-string" not in schema:
        members = [member for member in schema["anyOf"] if member.get("type") != "null"]
        if len(members) != 1:
            raise ValueError(f"a union of {len(members)} types has no form in a structural schema: {schema}")
        return _resolved(members[0] | {key: value for key, value in schema.items() if key != "anyOf"}, definitions)
    return schema


def _without_absent(default: Any) -> Any:
    """A default as the API server stores it: an optional field that is not set does not appear."""
    if isinstance(default, dict):
        return {key: _without_absent(value) for key, value in default.items() if value is not None}
    return default
