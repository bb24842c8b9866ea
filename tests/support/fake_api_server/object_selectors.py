"""Label selectors and field selectors of the API."""

import re
from typing import Any


def labels_match(body: dict[str, Any], selector: str) -> bool:
    """Whether the labels match; supports `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)` and `a notin (b,c)`."""
    labels = body["metadata"].get("labels") or {}
    return all(_term_matches(labels, part.strip()) for part in re.split(r",(?![^(]*\))", selector) if part.strip())


def fields_match(body: dict[str, Any], selector: str) -> bool:
    """Whether every `path=value` term matches."""
    for term in filter(None, selector.split(",")):
        path, _, expected = term.partition("=")
        value: Any = body
        for part in path.split("."):
            value = value.get(part, {}) if isinstance(value, dict) else {}
        if value != expected:
            return False
    return True


def _term_matches(labels: dict[str, str], term: str) -> bool:
    set_term = re.fullmatch(r"(\S+)\s+(in|notin)\s+\((.*)\)", term)
    if set_term:
        name, operator, values = set_term.groups()
        is_member = labels.get(name) in [value.strip() for value in values.split(",")]
        return is_member == (operator == "in")
    if "!=" in term:
        name, value = term.split("!=", 1)
        return labels.get(name) != value
    if "=" in term:
        name, value = re.split(r"==?", term, maxsplit=1)
        return labels.get(name) == value
    return term[1:] not in labels if term.startswith("!") else term in labels
