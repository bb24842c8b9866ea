"""Copies of nested mappings with some fields changed, each named by its path."""

import copy
import re
from collections.abc import Mapping
from typing import Any, Final

ABSENT: Final = object()
"""As a new value: removes the field."""


def with_changes(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy with changes such as {"spec.models[0].name": "A"}; absent mappings on the path are created."""
    result = copy.deepcopy(dict(content))
    for path, value in changes.items():
        *parents, last = [int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)]
        target: Any = result
        for step in parents:
            target = target[step] if isinstance(step, int) else target.setdefault(step, {})
        if value is ABSENT:
            del target[last]
        elif isinstance(last, int) and last == len(target):
            target.append(copy.deepcopy(value))
        else:
            target[last] = copy.deepcopy(value)
    return result
