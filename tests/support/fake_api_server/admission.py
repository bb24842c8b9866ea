"""What happens to an object between `kubectl apply` and storage."""

import copy
import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import celpy
import jsonschema
import re2
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

Schema = dict[str, Any]
RULES = "x-kubernetes-validations"


class CustomResourceAdmission:
    """Admits or refuses objects of one CRD."""

    def __init__(self, definition: dict[str, Any]) -> None:
        version = definition["spec"]["versions"][0]
        self.schema: Schema = version["schema"]["openAPIV3Schema"]

    def stored(self, content: dict[str, Any]) -> Any:
        """The object with its defaults, as it would be read back."""
        return defaulted(self.schema, without_nulls(self.schema, copy.deepcopy(content)))

    def refusals(self, content: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
        """Why the object is refused, each reason with a path; empty when it is admitted. `old` makes it an update."""
        new = self.stored(content)
        found = [*unknown_fields(self.schema, new, ""), *schema_errors(self.schema, new)]
        found += list(repeated_keys(self.schema, new, ""))
        return found or list(broken_rules(self.schema, new, "", None if old is None else self.stored(old)))


def children(schema: Schema, content: Any, path: str) -> Iterator[tuple[str | int, Schema, Any, str]]:
    """Key, schema, content and path of each part of an object or list that has a schema of its own."""
    if isinstance(content, dict):
        for name, value in content.items():
            below = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if below:
                yield name, below, value, f"{path}.{name}".removeprefix(".")
    elif isinstance(content, list) and "items" in schema:
        for index, value in enumerate(content):
            yield index, schema["items"], value, f"{path}[{index}]"


def without_nulls(schema: Schema, content: Any) -> Any:
    """Nulls of fields that are not nullable are dropped before defaults are set."""
    if isinstance(content, dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        content = {name: value for name, value in content.items() if value is not None}
    for key, below, value, _ in children(schema, content, ""):
        content[key] = without_nulls(below, value)
    return content


def defaulted(schema: Schema, content: Any) -> Any:
    """Absent properties that have a default get a copy of it, then the same below."""
    if isinstance(content, dict):
        for name, below in schema.get("properties", {}).items():
            if name not in content and "default" in below:
                content[name] = copy.deepcopy(below["default"])
    for key, below, value, _ in children(schema, content, ""):
        content[key] = defaulted(below, value)
    return content


def unknown_fields(schema: Schema, content: Any, path: str) -> Iterator[str]:
    """Fields that a structural schema would prune, and strict validation refuses."""
    free = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(content, dict) and not free and path != "metadata":
        for name in content.keys() - schema.get("properties", {}).keys():
            yield f"{path}: unknown field {name}"
    for _, below, value, place in children(schema, content, path):
        yield from unknown_fields(below, value, place)


def rules_of(schema: Schema, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Path and content of every rule below a schema; [] stands for elements and * for keys."""
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
    """Violations of the schema's value validations; patterns are matched by RE2, as in Go."""
    return [f"{error.json_path}: {error.message}" for error in _Validator(schema).iter_errors(content)]


def repeated_keys(schema: Schema, content: Any, path: str) -> Iterator[str]:
    """Elements of a list set, or keys of a list map, that stand twice."""
    kind = schema.get("x-kubernetes-list-type")
    if kind in ("set", "map") and isinstance(content, list):
        keys = schema.get("x-kubernetes-list-map-keys", ())
        seen = [tuple(element.get(key) for key in keys) if kind == "map" else element for element in content]
        for index, key in enumerate(seen):
            if key in seen[:index]:
                yield f"{path}[{index}]: duplicate value {key}"
    for _, below, value, place in children(schema, content, path):
        yield from repeated_keys(below, value, place)


def broken_rules(schema: Schema, content: Any, path: str, old: Any = None) -> Iterator[str]:
    """Messages of the rules that do not hold; a rule over oldSelf is evaluated only where there is an old value."""
    for rule in schema.get(RULES, ()):
        transition = re.search(r"\boldSelf\b", rule["rule"]) is not None
        if (not transition or old is not None) and not holds(rule["rule"], content, old):
            yield f"{path}: {rule['message']}"
    for key, below, value, place in children(schema, content, path):
        before = old.get(key) if isinstance(old, dict) else None
        yield from broken_rules(below, value, place, before)


def holds(rule: str, content: Any, old: Any = None) -> bool:
    """Whether the rule is true; an error while it is evaluated is a refusal, as on a server."""
    return _evaluated(rule, json.dumps(content), json.dumps(old))


@functools.cache
def _evaluated(rule: str, content: str, old: str) -> bool:
    """Examples differ in a field or two: most of their parts have been seen before."""
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
