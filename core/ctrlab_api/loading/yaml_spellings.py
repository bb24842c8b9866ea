"""The spelling of a value in its YAML file, which messages quote: YAML reads `NO` as false and `0123` as 83."""

from collections.abc import Callable
from typing import Any

import yaml

from ctrlab_api.loading.kubernetes_yaml import ManifestLoader

Location = tuple[int | str, ...]
"""Keys and indices from the root of a document to a value."""
Spelling = Callable[[Location], str | None]
"""Return the text of the value at a location, the elements of a list joined by commas; None where it has none."""


def load_documents(text: str) -> list[tuple[Any, Spelling]]:
    """Return each document that is not empty, with the spelling of its values; YAMLError for invalid YAML."""
    loader, documents = ManifestLoader(text), []
    try:
        while loader.check_node():
            node = loader.get_node()
            content = loader.construct_document(node)
            if content is not None:
                documents.append((content, _spelling_in(node)))
    finally:
        loader.dispose()
    return documents


def spelling_in_json(document: Any) -> Spelling:
    """Return the spelling of values in a document that was read from JSON."""

    def spelling(location: Location) -> str | None:
        value = document
        for step in location:
            value = value[step]
        if isinstance(value, list):
            return ",".join(_json_text(element) for element in value)
        return None if isinstance(value, dict) else _json_text(value)

    return spelling


def _json_text(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spelling_in(root: yaml.Node | None) -> Spelling:
    def spelling(location: Location) -> str | None:
        node: yaml.Node | None = root
        for step in location:
            node = _member(node, step)
        if isinstance(node, yaml.SequenceNode):
            elements = node.value
            return ",".join(element.value for element in elements if isinstance(element, yaml.ScalarNode))
        return node.value if isinstance(node, yaml.ScalarNode) else None

    return spelling


def _member(node: yaml.Node | None, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        element: yaml.Node = node.value[step]
        return element
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in reversed(node.value) if key.value == str(step)), None)
    return None
