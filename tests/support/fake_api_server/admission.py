"""Admission of custom resources: what an API server does between `kubectl apply` and storage.

Nulls are dropped, unknown fields rejected (strict field validation, which kubectl requests), defaults filled in, the
schema checked, lists checked for duplicate keys, and CEL rules evaluated at every level.
"""

import copy
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import celpy
import jsonschema
import re2
import yaml
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

Schema = dict[str, Any]
RULES = "x-kubernetes-validations"
CRDS = Path(__file__).parents[3] / "crds"


@functools.cache
def admissions() -> Mapping[str, "CustomResourceAdmission"]:
    """Return the admission of each generated CRD, by kind."""
    definitions = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(CRDS.glob("*.yaml"))]
    return {definition["spec"]["names"]["kind"]: CustomResourceAdmission(definition) for definition in definitions}


class CustomResourceAdmission:
    """Admits or rejects objects of one CRD."""

    def __init__(self, definition: dict[str, Any]) -> None:
        version = definition["spec"]["versions"][0]
        self.schema: Schema = version["schema"]["openAPIV3Schema"]

    def with_defaults(self, content: dict[str, Any]) -> Any:
        """Return the object with its defaults, as it is stored."""
        return set_defaults(self.schema, without_nulls(self.schema, copy.deepcopy(content)))

    def violations(self, content: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
        """Return why the object is rejected, each reason with a path; for an update, `old` is the stored object."""
        new = self.with_defaults(content)
        problems = [*unknown_fields(self.schema, new, ""), *schema_errors(self.schema, new)]
        problems += duplicate_keys(self.schema, new, "")
        return problems or list(broken_rules(self.schema, new, "", None if old is None else self.with_defaults(old)))


def children(schema: Schema, content: Any, path: str) -> Iterator[tuple[str | int, Schema, Any, str]]:
    """Yield key, schema, content and path of each member of an object or list that has its own schema."""
    if isinstance(content, dict):
        for name, value in content.items():
            below = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if below:
                yield name, below, value, f"{path}.{name}".removeprefix(".")
    elif isinstance(content, list) and "items" in schema:
        for index, value in enumerate(content):
            yield index, schema["items"], value, f"{path}[{index}]"


def without_nulls(schema: Schema, content: Any) -> Any:
    """Drop nulls of fields that are not nullable; it happens before defaults are set."""
    if isinstance(content, dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        content = {name: value for name, value in content.items() if value is not None}
    for key, below, value, _ in children(schema, content, ""):
        content[key] = without_nulls(below, value)
    return content


def set_defaults(schema: Schema, content: Any) -> Any:
    """Set absent properties that have a default, at every level."""
    if isinstance(content, dict):
        for name, below in schema.get("properties", {}).items():
            if name not in content and "default" in below:
                content[name] = copy.deepcopy(below["default"])
    for key, below, value, _ in children(schema, content, ""):
        content[key] = set_defaults(below, value)
    return content


def unknown_fields(schema: Schema, content: Any, path: str) -> Iterator[str]:
    """Yield the fields that a structural schema would prune and strict validation rejects."""
    free = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(content, dict) and not free and path != "metadata":
        for name in content.keys() - schema.get("properties", {}).keys():
            yield f"{path}: unknown field {name}"
    for _, below, value, child_path in children(schema, content, path):
        yield from unknown_fields(below, value, child_path)


def rules_of(schema: Schema, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Yield path and content of every rule of a schema; in paths, [] means elements and * keys."""
    yield from ((path, rule) for rule in schema.get(RULES, ()))
    for name, member in schema.get("properties", {}).items():
        yield from rules_of(member, f"{path}.{name}".removeprefix("."))
    for keyword, step in (("items", "[]"), ("additionalProperties", ".*")):
        if keyword in schema:
            yield from rules_of(schema[keyword], path + step)


def _go_pattern(_: Any, pattern: str, content: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(content, str) and not re2.search(pattern, content):
        yield jsonschema.ValidationError(f"{content!r} does not match {pattern}")


_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft4Validator, {"pattern": _go_pattern}
)


def schema_errors(schema: Schema, content: Any) -> list[str]:
    """Return violations of value validations; patterns are matched by RE2, as in Go."""
    return [f"{error.json_path}: {error.message}" for error in _Validator(schema).iter_errors(content)]


def duplicate_keys(schema: Schema, content: Any, path: str) -> Iterator[str]:
    """Yield duplicate elements of list sets and duplicate keys of list maps."""
    kind = schema.get("x-kubernetes-list-type")
    if kind in ("set", "map") and isinstance(content, list):
        keys = schema.get("x-kubernetes-list-map-keys", ())
        seen = [tuple(element.get(key) for key in keys) if kind == "map" else element for element in content]
        for index, key in enumerate(seen):
            if key in seen[:index]:
                yield f"{path}[{index}]: duplicate value {key}"
    for _, below, value, child_path in children(schema, content, path):
        yield from duplicate_keys(below, value, child_path)


def broken_rules(schema: Schema, content: Any, path: str, old: Any = None) -> Iterator[str]:
    """Yield messages of violated rules; a rule with oldSelf is evaluated only if there is an old value."""
    for rule in schema.get(RULES, ()):
        transition = re.search(r"\boldSelf\b", rule["rule"]) is not None
        if (not transition or old is not None) and not holds(rule["rule"], content, old):
            yield f"{path}: {rule['message']}"
    for key, below, value, child_path in children(schema, content, path):
        before = old.get(key) if isinstance(old, dict) else None
        yield from broken_rules(below, value, child_path, before)


def holds(rule: str, content: Any, old: Any = None) -> bool:
    """Whether the rule is true; an evaluation error counts as false, as on a server."""
    return _evaluated(rule, json.dumps(content), json.dumps(old))


@functools.cache
def _evaluated(rule: str, content: str, old: str) -> bool:
    """Evaluate with a cache: examples differ in few fields, so most parts repeat."""
    variables = {"self": json_to_cel(json.loads(content)), "oldSelf": json_to_cel(json.loads(old))}
    try:
        return bool(_compiled(rule)(variables))
    except CELEvalError:
        return False


@functools.cache
def _compiled(rule: str) -> Callable[[dict[str, Any]], Any]:
    environment = celpy.Environment()
    program = environment.program(environment.compile(rule))
    evaluate: Callable[[dict[str, Any]], Any] = program.evaluate
    return evaluate
