"""Label selectors as the API takes them."""

import re
from typing import Any


def matches(body: dict[str, Any], selector: str) -> bool:
    """Whether an object's labels fit; known are `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`."""
    labels = body["metadata"].get("labels") or {}
    return all(_fits(labels, part.strip()) for part in re.split(r",(?![^(]*\))", selector) if part.strip())


def _fits(labels: dict[str, str], part: str) -> bool:
    found = re.fullmatch(r"(\S+)\s+(in|notin)\s+\((.*)\)", part)
    if found:
        name, operator, values = found.groups()
        inside = labels.get(name) in [value.strip() for value in values.split(",")]
        return inside == (operator == "in")
    if "!=" in part:
        name, value = part.split("!=", 1)
        return labels.get(name) != value
    if "=" in part:
        name, value = re.split(r"==?", part, maxsplit=1)
        return labels.get(name) == value
    return part[1:] not in labels if part.startswith("!") else part in labels


def fields_match(body: dict[str, Any], selector: str) -> bool:
    """`path=value` terms, all of which must hold."""
    for term in filter(None, selector.split(",")):
        path, _, wanted = term.partition("=")
        found: Any = body
        for part in path.split("."):
            found = found.get(part, {}) if isinstance(found, dict) else {}
        if found != wanted:
            return False
    return True
