"""YAML as Kubernetes reads it: what a person wrote means the same on one machine as in `kubectl apply`.

PyYAML alone would take the last of two equal keys, and read 1e-3 as text where Kubernetes reads a number.
"""

import re
from typing import Any

import yaml


class ManifestLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice and reads exponents without a decimal point as numbers."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping; ConstructorError where a key stands twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    "in a mapping", node.start_mark, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


ManifestLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def without_nulls(content: Any) -> Any:
    """Without the mapping entries that are null: an API server treats them as absent."""
    if isinstance(content, dict):
        return {key: without_nulls(value) for key, value in content.items() if value is not None}
    if isinstance(content, list):
        return [without_nulls(element) for element in content]
    return content
