"""Every resource in examples/ is accepted by the models and the CRDs, so the same file works on both backends."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_api_server import CustomResourceAdmission

from ctrlab_api.crd import KINDS, crd_definition
from ctrlab_api.loading.resource_loading import load_manifests

FILES = sorted((Path(__file__).parents[3] / "examples").rglob("*.yaml"))
SERVERS = {kind.kind: CustomResourceAdmission(crd_definition(kind)) for kind in KINDS}


def test_there_are_examples() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_is_valid_on_one_machine_and_on_a_cluster(file: Path) -> None:
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    ours = [document for document in documents if document["kind"] in SERVERS]
    if len(ours) == len(documents):
        assert len(load_manifests(file)) == len(documents)
    for document in ours:
        assert SERVERS[document["kind"]].violations(document) == []
