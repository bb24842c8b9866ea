"""values.schema.json: a misspelt or impossible value is refused before anything is installed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[3] / "charts" / "ctrlab"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"watchNamespace": ["a"]}, "watchNamespace"),
        ({"tryout": {"postgres": {"enabled": True}}}, "postgres"),
        ({"watchNamespaces": ["Team"]}, "/watchNamespaces/0"),
        ({"defaults": {"artifacts": "file:///data"}}, "/defaults/artifacts"),
        ({"secretNames": [""]}, "/secretNames/0"),
        ({"tryout": {"postgresql": {"password": "a/b"}}}, "/tryout/postgresql/password"),
        ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name must be given"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_refusal_names_the_value(refusal: Any, values: dict[str, Any], said: str) -> None:
    assert said in refusal(**values)


def test_every_object_of_the_schema_is_closed_and_every_value_known() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

    def compare(part: dict[str, Any], value: Any, path: str) -> None:
        if "properties" not in part:
            return
        assert part["additionalProperties"] is False, path
        assert isinstance(value, dict), path
        assert value.keys() <= part["properties"].keys(), path
        for name, inner in value.items():
            compare(part["properties"][name], inner, f"{path}.{name}")

    compare(schema, values, "values")
