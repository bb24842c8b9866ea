"""The CRDs of the chart are those of crds/, and are kept when the release is uninstalled."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CRDS = sorted((ROOT / "crds").glob("*.yaml"))


@pytest.mark.parametrize("source", CRDS, ids=lambda path: path.name)
def test_the_copy_equals_the_generated_file(source: Path) -> None:
    copy = ROOT / "charts" / "ctrlab" / "files" / "crds" / source.name
    assert copy.read_text(encoding="utf-8") == source.read_text(encoding="utf-8"), "run `make manifests`"


def test_no_other_file_is_copied() -> None:
    copies = {path.name for path in (ROOT / "charts" / "ctrlab" / "files" / "crds").iterdir()}
    assert copies == {path.name for path in CRDS}


def test_rendering_changes_no_schema(render: Any) -> None:
    rendered = {crd["metadata"]["name"]: crd for crd in render() if crd["kind"] == "CustomResourceDefinition"}
    sources = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in CRDS]
    assert {name: crd["spec"] for name, crd in rendered.items()} == {
        crd["metadata"]["name"]: crd["spec"] for crd in sources
    }


@pytest.mark.parametrize(("keep", "annotations"), [(True, {"helm.sh/resource-policy": "keep"}), (False, None)])
def test_crds_outlive_the_release_by_default(render: Any, keep: bool, annotations: dict[str, str] | None) -> None:
    crds = [body for body in render(crds={"keep": keep}) if body["kind"] == "CustomResourceDefinition"]
    assert [crd["metadata"].get("annotations") for crd in crds] == [annotations] * 2
    assert {crd["metadata"]["labels"]["app.kubernetes.io/component"] for crd in crds} == {"crds"}


def test_crds_can_be_disabled(render: Any) -> None:
    assert "CustomResourceDefinition" not in {body["kind"] for body in render(crds={"enabled": False})}
