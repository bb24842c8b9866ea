"""An upper bound of the cost of CEL rules; an API server rejects a CRD whose rules may cost too much.

Every node has a cost, a string comparison costs a tenth of the bytes of the shorter string, a macro costs its body for
each element that the schema allows, and a rule counts as often as its field may occur. Where the server's estimate is
finer, this one is higher; where the server has no bound, the cost is infinite.
"""

import math
from collections.abc import Iterator
from typing import Any

import celpy

Schema = dict[str, Any]
Scope = dict[str, Schema | None]

NODE = 2
"""Cost of a select, call, operator or literal."""
ITERATION = 8
"""Cost of one iteration of a macro, without its body."""
BYTES = 4
"""Maximum bytes of a character in UTF-8."""
MACROS = {"all", "exists", "exists_one", "filter", "map"}


def rule_costs(schema: Schema, path: str = "", times: float = 1) -> Iterator[tuple[str, float]]:
    """Yield path and rule, and the estimated cost for a whole object, of every rule of a schema."""
    for rule in schema.get("x-kubernetes-validations", ()):
        tree = celpy.Environment().compile(rule["rule"])
        cost, _ = _walk(tree, {"self": schema, "oldSelf": schema})
        yield f"{path}: {rule['rule']}", cost * times
    for name, member in schema.get("properties", {}).items():
        yield from rule_costs(member, f"{path}.{name}", times)
    if "items" in schema:
        yield from rule_costs(schema["items"], f"{path}[]", times * schema.get("maxItems", math.inf))
    if "additionalProperties" in schema:
        many = schema.get("maxProperties", math.inf)
        yield from rule_costs(schema["additionalProperties"], f"{path}.*", times * many)


def _walk(node: Any, scope: Scope) -> tuple[float, Schema | None]:
    """Return the cost of an expression, and the schema of its value if it is a field of the object."""
    kind, parts = node.data, node.children
    if kind == "ident":
        return NODE, scope.get(str(parts[0]))
    if kind == "literal":
        return NODE, {"type": "string", "maxLength": math.ceil(len(str(parts[0])) / BYTES)}
    if kind == "member_dot":
        cost, schema = _walk(parts[0], scope)
        return cost + NODE, (schema or {}).get("properties", {}).get(str(parts[1]))
    if kind == "member_index":
        cost, schema = _walk(parts[0], scope)
        inside, _ = _walk(parts[1], scope)
        return cost + inside + NODE, (schema or {}).get("items") or (schema or {}).get("additionalProperties")
    if kind == "member_dot_arg":
        return _call(parts[0], str(parts[1]), parts[2].children if len(parts) > 2 else [], scope), None
    trees = [part for part in parts if hasattr(part, "data")]
    walked = [_walk(part, scope) for part in trees]
    cost = sum(each for each, _ in walked)
    if kind in ("relation", "expr", "conditionalor", "conditionaland", "addition") and len(trees) > 1:
        operator = str(trees[0].data)
        schemas = [_operand(trees[0], scope), walked[1][1]]
        return cost + NODE + (_comparison(operator, schemas) if kind == "relation" else 0), None
    return cost + (NODE if len(trees) != 1 else 0), walked[0][1] if len(walked) == 1 else None


def _operand(node: Any, scope: Scope) -> Schema | None:
    """Return the schema of the left operand, which is a child of the operator's node."""
    return _walk(node.children[0], scope)[1] if node.children else None


def _comparison(operator: str, schemas: list[Schema | None]) -> float:
    if operator == "relation_in":
        return _elements(schemas[1]) if schemas[1] and schemas[1].get("type") == "array" else 8
    return 0.1 * min(_bytes(schema) for schema in schemas)


def _call(receiver: Any, name: str, arguments: list[Any], scope: Scope) -> float:
    cost, schema = _walk(receiver, scope)
    if name not in MACROS:
        return cost + NODE + _bytes(schema) + sum(_walk(argument, scope)[0] for argument in arguments)
    variable = str(next(iter(arguments[0].scan_values(lambda token: token.type == "IDENT"))))
    element = (schema or {}).get("items") or {"type": "string", "maxLength": 256}
    body = sum(_walk(argument, scope | {variable: element})[0] for argument in arguments[1:])
    return cost + _elements(schema) * (body + ITERATION)


def _elements(schema: Schema | None) -> float:
    """Return the maximum size of a list or mapping; infinite for a computed one, such as the result of a macro."""
    known: Schema = schema or {}
    bounds = [float(known[keyword]) for keyword in ("maxItems", "maxProperties") if keyword in known]
    return bounds[0] if bounds else math.inf


def _bytes(schema: Schema | None) -> float:
    """Return the size of a compared value; a computed one (a number) is small."""
    known: Schema = schema or {"type": "integer"}
    if known.get("type") != "string":
        return float(known.get("maxItems", 8))
    return BYTES * float(known.get("maxLength", max((len(value) for value in known.get("enum", ())), default=math.inf)))
