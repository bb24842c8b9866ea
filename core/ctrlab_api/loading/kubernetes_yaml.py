"""YAML as Kubernetes reads it, so that a file means the same on one machine as in `kubectl apply`.

Plain PyYAML would use the last of two equal keys, read 1e-3 and 0o17 as text where Kubernetes reads numbers, read
12:30:00 and 2024-01-31 as a number and a date where Kubernetes reads text, and return keys and sets that JSON does not
have.
"""

import json
import re
from typing import Any

import yaml


class ManifestLoader(yaml.SafeLoader):
    """SafeLoader of JSON types: it rejects duplicate keys and reads `1e-3` as a number, a date as text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping with text as keys; ConstructorError for a duplicate key or one that is not a scalar."""
        keys: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in keys:
                raise yaml.constructor.ConstructorError(
                    "in a mapping", node.start_mark, f"the key {key.value!r} is given twice", key.start_mark
                )
            keys.add(key.value)
        return {_key_text(key): value for key, value in super().construct_mapping(node, deep).items()}


def _key_text(key: object) -> str:
    """Return a key as JSON writes it: `1` as "1", `on` as "true"."""
    return key if isinstance(key, str) else json.dumps(key)


INTEGER = "tag:yaml.org,2002:int"
SEXAGESIMAL_TAGS = {INTEGER, "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp"}
"""Tags whose resolvers are replaced by ones that leave times and dates as text."""

ManifestLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in SEXAGESIMAL_TAGS]
    for first, resolvers in ManifestLoader.yaml_implicit_resolvers.items()
}
ManifestLoader.yaml_constructors = {
    tag: constructor
    for tag, constructor in ManifestLoader.yaml_constructors.items()
    if tag not in {f"tag:yaml.org,2002:{name}" for name in ("binary", "omap", "pairs", "set", "timestamp")}
}
ManifestLoader.add_implicit_resolver(
    INTEGER,
    re.compile(r"^[-+]?(0b[0-1_]+|0o?[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$"),
    list("-+0123456789"),
)
ManifestLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^([-+]?([0-9][0-9_]*)\.[0-9_]*([eE][-+]?[0-9]+)?|[-+]?\.[0-9][0-9_]*([eE][-+]?[0-9]+)?"
        r"|[-+]?[0-9]+([eE][-+]?[0-9]+)|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)


def without_nulls(content: Any) -> Any:
    """Return the content without mapping entries that are null, which an API server treats as absent."""
    if isinstance(content, dict):
        return {key: without_nulls(value) for key, value in content.items() if value is not None}
    if isinstance(content, list):
        return [without_nulls(element) for element in content]
    return content
