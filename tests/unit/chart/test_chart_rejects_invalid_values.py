"""values.schema.json: a misspelled or invalid value is rejected before anything is installed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[3] / "charts" / "ctrlab"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"watchNamespace": ["a"]}, "watchNamespace"),
        ({"tryout": {"postgres": {"enabled": True}}}, "postgres"),
        ({"watchNamespaces": ["Team"]}, "/watchNamespaces/0"),
        ({"defaults": {"artifacts": "file:///data"}}, "/defaults/artifacts"),
        ({"secretNames": [""]}, "/secretNames/0"),
        ({"tryout": {"postgresql": {"password": "a/b"}}}, "/tryout/postgresql/password"),
        ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name must be set"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_error_names_the_value(rejection: Any, values: dict[str, Any], message: str) -> None:
    assert message in rejection(**values)


def test_every_object_of_the_schema_is_closed_and_describes_every_value() -> None:
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
