"""The rules for structural schemas, from the Kubernetes documentation of CustomResourceDefinitions."""

from collections.abc import Iterator
from typing import Any

from fake_api_server.admission import broken_rules, schema_errors, unknown_fields

Schema = dict[str, Any]

ALLOWED_KEYWORDS = {
    "string": {"enum", "pattern", "minLength", "maxLength", "format"},
    "integer": {"enum", "minimum", "maximum", "format"},
    "boolean": set(),
    "array": {"items", "minItems", "maxItems", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"},
    "object": {
        "properties",
        "additionalProperties",
        "required",
        "minProperties",
        "maxProperties",
        "x-kubernetes-preserve-unknown-fields",
    },
    "int-or-string": {"x-kubernetes-int-or-string", "anyOf", "pattern", "minLength", "maxLength"},
    "untyped": {"x-kubernetes-preserve-unknown-fields"},
}
"""Keywords allowed for each type; all others ($ref, uniqueItems, unions, additionalProperties: false) are rejected."""

COMMON_KEYWORDS = {"type", "description", "default", "x-kubernetes-validations"}
UNION = [{"type": "integer"}, {"type": "string"}]


def structural_problems(schema: Schema, path: str = "") -> list[str]:
    """Return what an API server rejects in the schema, and fields without a bound, a type or a description."""
    return list(_problems(schema, path, described=True))


def _problems(schema: Schema, path: str, described: bool) -> Iterator[str]:
    kind = "int-or-string" if schema.get("x-kubernetes-int-or-string") else schema.get("type")
    if kind is None and schema.get("x-kubernetes-preserve-unknown-fields"):
        kind = "untyped"
    if kind not in ALLOWED_KEYWORDS:
        yield f"{path}: type is {kind}"
        return
    unexpected = schema.keys() - ALLOWED_KEYWORDS[kind] - COMMON_KEYWORDS
    if unexpected:
        yield f"{path}: {sorted(unexpected)} do not belong to {kind}"
    if kind == "int-or-string" and ("type" in schema or schema.get("anyOf") != UNION):
        yield f"{path}: int-or-string has the union of both and no type"
    if described and not schema.get("description"):
        yield f"{path}: no description"
    yield from _object(schema, kind, path)
    yield from _list(schema, kind, path)
    yield from _default(schema, path)
    for name, member in schema.get("properties", {}).items():
        if path or name != "metadata":
            yield from _problems(member, f"{path}.{name}", described=True)
        elif member.keys() != {"type", "properties"} or member["properties"].keys() - {"name", "generateName"}:
            yield "metadata may restrict name and generateName alone"
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from _problems(schema[keyword], f"{path}.{keyword}", described=False)


def _object(schema: Schema, kind: str, path: str) -> Iterator[str]:
    if kind != "object":
        return
    forms: list[str] = [form for form in ("properties", "additionalProperties") if form in schema]
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        forms.append("preserve-unknown-fields")
    if len(forms) != 1:
        yield f"{path}: an object has properties or additionalProperties, not {forms}"
    unknown = set(schema.get("required", ())) - schema.get("properties", {}).keys()
    if unknown:
        yield f"{path}: required names {sorted(unknown)}, which are no properties"
    if "additionalProperties" in schema and "maxProperties" not in schema:
        yield f"{path}: no maxProperties"


def _list(schema: Schema, kind: str, path: str) -> Iterator[str]:
    if kind != "array":
        return
    if "items" not in schema or "maxItems" not in schema:
        yield f"{path}: a list needs items and maxItems"
    elements = schema.get("items", {})
    for key in schema.get("x-kubernetes-list-map-keys", ()):
        if key not in elements.get("required", ()) and "default" not in elements["properties"].get(key, {}):
            yield f"{path}: the map key {key} is neither required nor has it a default"
    if schema.get("x-kubernetes-list-type") == "set" and elements.get("type") not in ("string", "integer"):
        yield f"{path}: the elements of a set are scalars"
    if schema.get("x-kubernetes-list-type") == "map" and not schema.get("x-kubernetes-list-map-keys"):
        yield f"{path}: a list map needs keys"


def _default(schema: Schema, path: str) -> Iterator[str]:
    """Check a default, which a server does not complete with nested defaults: it must be valid as it is."""
    if "default" in schema:
        default = schema["default"]
        yield from (f"{path} default: {problem}" for problem in unknown_fields(schema, default, ""))
        yield from (f"{path} default: {problem}" for problem in schema_errors(schema, default))
        yield from (f"{path} default: {problem}" for problem in broken_rules(schema, default, ""))
