"""YAML as Kubernetes reads it, so that a file means the same on one machine as in `kubectl apply`.

Plain PyYAML would use the last of two equal keys, and read 1e-3 as text where Kubernetes reads a number.
"""

import re
from typing import Any

import yaml


class ManifestLoader(yaml.SafeLoader):
    """SafeLoader that rejects duplicate keys and reads exponents without a decimal point as numbers."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; ConstructorError for a duplicate key."""
        keys: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in keys:
                raise yaml.constructor.ConstructorError(
                    "in a mapping", node.start_mark, f"the key {key.value!r} is given twice", key.start_mark
                )
            keys.add(key.value)
        return super().construct_mapping(node, deep)


ManifestLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def without_nulls(content: Any) -> Any:
    """Return the content without mapping entries that are null, which an API server treats as absent."""
    if isinstance(content, dict):
        return {key: without_nulls(value) for key, value in content.items() if value is not None}
    if isinstance(content, list):
        return [without_nulls(element) for element in content]
    return content
