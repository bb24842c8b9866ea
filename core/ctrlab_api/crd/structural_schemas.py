"""Conversion of pydantic's JSON schema to a Kubernetes structural schema.

A structural schema has a type at every node and no references, unions or nulls; an API server rejects any other. The
conversion raises an error for an unknown keyword, instead of leaving it to `kubectl apply`.
"""

from typing import Any

from pydantic import BaseModel

from ctrlab_api.cel import CEL_VALIDATIONS

Schema = dict[str, Any]

COPIED_KEYWORDS = (
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
"""Keywords with the same meaning in both schemas."""

TRANSLATED_KEYWORDS = {"type", "title", "$ref", "anyOf", "const", "properties", "required", "items", "prefixItems"} | {
    "additionalProperties",
    "x-kubernetes-int-or-string",
}
"""Keywords that `_translate` converts or drops."""


def structural_schema(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """Return the structural schema of a model's objects; without `defaults` absent fields stay absent.

    Raises ValueError for a keyword that has no structural form.
    """
    schema = model.model_json_schema(by_alias=True)
    return _translate(schema, schema.get("$defs", {}), model.__name__, defaults)


def _translate(schema: Schema, definitions: dict[str, Schema], path: str, defaults: bool) -> Schema:
    source = _resolve(schema, definitions)
    unknown = source.keys() - TRANSLATED_KEYWORDS - set(COPIED_KEYWORDS) - {"$defs"}
    if unknown:
        raise ValueError(f"{path}: {', '.join(sorted(unknown))} has no form in a structural schema")
    untyped = "type" not in source and "x-kubernetes-preserve-unknown-fields" in source
    result: Schema = {} if "x-kubernetes-int-or-string" in source or untyped else {"type": source["type"]}
    for keyword in COPIED_KEYWORDS:
        if keyword in source:
            result[keyword] = source[keyword]
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if "default" in result:
        result["default"] = _without_nulls(result["default"])
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
            name: _translate(member, definitions, f"{path}.{name}", defaults)
            for name, member in source["properties"].items()
        }
    elements = source.get("items") or next(iter(source.get("prefixItems", ())), None)
    if elements is not None:
        result["items"] = _translate(elements, definitions, f"{path}[]", defaults)
    values = source.get("additionalProperties")
    if isinstance(values, dict):
        result["additionalProperties"] = _translate(values, definitions, f"{path}.*", defaults)
    return result


def _resolve(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return the schema without reference and without `| None`; keywords beside the reference take precedence."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return _resolve(target | {key: value for key, value in schema.items() if key != "$ref"}, definitions)
    if "anyOf" in schema and "x-kubernetes-int-or-string" not in schema:
        members = [member for member in schema["anyOf"] if member.get("type") != "null"]
        if len(members) != 1:
            raise ValueError(f"a union of {len(members)} types has no form in a structural schema: {schema}")
        return _resolve(members[0] | {key: value for key, value in schema.items() if key != "anyOf"}, definitions)
    return schema


def _without_nulls(default: Any) -> Any:
    """Return a default as the API server stores it, without optional fields that are not set."""
    if isinstance(default, dict):
        return {key: _without_nulls(value) for key, value in default.items() if value is not None}
    return default
