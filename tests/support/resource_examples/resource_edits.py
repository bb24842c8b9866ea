"""An object with some of its fields changed, each named by its path."""

import copy
import re
from collections.abc import Mapping
from typing import Any, Final

ABSENT: Final = object()
"""As a new value: the field is left out."""


def with_changes(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with `changes`, such as {"spec.models[0].name": "A"}; absent mappings on the way are made."""
    result = copy.deepcopy(dict(content))
    for path, value in changes.items():
        *above, last = [int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)]
        here: Any = result
        for step in above:
            here = here[step] if isinstance(step, int) else here.setdefault(step, {})
        if value is ABSENT:
            del here[last]
        elif isinstance(last, int) and last == len(here):
            here.append(copy.deepcopy(value))
        else:
            here[last] = copy.deepcopy(value)
    return result
