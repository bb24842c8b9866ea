"""A user's own package adds an architecture by entry points, which is validated and trained as the shipped ones are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DECLARATION = '''
from typing import ClassVar
from pydantic import Field
from ctrlab_api.architectures import Architecture

class Tiny(Architecture):
    """Inner products with one learned scale."""
    name: ClassVar[str] = "tiny"
    title: ClassVar[str] = "Tiny"
    paper: ClassVar[str] = "none"
    parts: ClassVar[dict[str, str]] = {"linear": "the first-order term", "products": "the scaled inner products"}
    branches: ClassVar[tuple[str, ...]] = ("linear", "products")
    scale: float = Field(default=1.0, gt=0, le=10)
    """What the products are multiplied by at first."""
'''

MODULE = """
import torch
from torch import nn
from ctrlab_trainer.models.components.pairwise_products import pairwise_products
from ctrlab_trainer.models.components.logit_branches import total
from ctrlab_trainer.models.components.embedding_tables import FieldEmbedding, LinearTerm

class Tiny(nn.Module):
    def __init__(self, config, inputs, parts):
        super().__init__()
        self.linear = LinearTerm(inputs) if "linear" in parts else None
        with_products = "products" in parts
        self.embedding = FieldEmbedding(inputs, config.embedding_dim, pool_histories=True) if with_products else None
        self.scale = nn.Parameter(torch.tensor([config.scale])) if with_products else None

    def forward(self, batch):
        products = None
        if self.embedding is not None:
            products = self.scale * pairwise_products(self.embedding(batch).fields)
        return total(None if self.linear is None else self.linear(batch), products)
"""

EXPERIMENT = """
apiVersion: ctrlab.dev/v1alpha1
kind: CTRExperiment
metadata: {name: own-model}
spec:
  dataset:
    source: {uri: "builtin://synthetic", options: {rows: "1500", users: "40", items: "30"}}
    label: {column: click}
    features:
      - {name: user_id, type: Categorical}
      - {name: item_id, type: Categorical}
    user: user_id
    time: timestamp
    split: {strategy: Temporal}
  models:
    - {name: Mine, architecture: tiny, parameters: {scale: "0.5", epochs: 2, batch_size: 256}}
  evaluation: {seeds: {count: 5}}
"""

TRAIN = """
import sys
from pathlib import Path
from ctrlab_api.loading.resource_loading import load_manifests
from ctrlab_api.names import Key
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData
from ctrlab_store import open_store
from ctrlab_study import nothing_tuned
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.finals.final_runs import evaluate

experiment = load_manifests(Path(sys.argv[1]))[0]
plan = Plan.from_experiment(experiment)
key = ExperimentKey.for_local_run(experiment.metadata, plan.digest)
store = open_store(sys.argv[2])
folder = store.below(key.prefix)
folder.put(Key.PLAN, plan.to_json().encode())
prepare(plan, store, key)
data = PreparedData.model_validate_json(folder.get(Key.PREPARED))
folder.put(Key.study("Mine"), nothing_tuned(plan, "Mine", data.digest).to_json().encode())
[record] = evaluate(plan, key, store, "Mine", [plan.evaluation.seeds.base])
print(record.state, record.architecture, record.config["scale"], record.metrics_test["auc"] is not None)
"""


@pytest.fixture
def own_package(tmp_path: Path) -> Path:
    """A folder as pip leaves it: the package and its metadata."""
    site = tmp_path / "site"
    package, info = site / "own_ctr", site / "own_ctr-0.1.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text("")
    (package / "declaration.py").write_text(DECLARATION)
    (package / "module.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-ctr\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(
        "[ctrlab.architectures]\ntiny = own_ctr.declaration:Tiny\n"
        "gone = own_ctr.missing:Gone\nlr = own_ctr.declaration:Tiny\n"
        "[ctrlab.models]\ntiny = own_ctr.module:Tiny\n"
    )
    return site


def python(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(
        [sys.executable, "-P", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_a_registered_model_is_trained_as_a_shipped_one(own_package: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(EXPERIMENT)
    done = python(own_package, "-c", TRAIN, str(file), (tmp_path / "store").as_uri())
    assert done.stdout.splitlines()[-1:] == ["Succeeded tiny 0.5 True"], done.stderr


def test_its_parameters_and_parts_are_known_and_checked(own_package: Path, tmp_path: Path) -> None:
    listed = python(own_package, "-m", "ctrlab.cli", "architectures", "tiny")
    assert "the scaled inner products" in listed.stdout, listed.stderr
    file = tmp_path / "own.yaml"
    file.write_text(EXPERIMENT.replace('"0.5"', '"50"'))
    refused = python(own_package, "-m", "ctrlab.cli", "validate", str(file))
    assert refused.returncode == 2
    assert "spec.models[0].parameters.scale" in refused.stderr + refused.stdout


def test_a_package_that_cannot_be_loaded_is_named_to_who_asks_for_its_model(own_package: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(EXPERIMENT.replace("architecture: tiny", "architecture: gone"))
    refused = python(own_package, "-m", "ctrlab.cli", "validate", str(file))
    told = " ".join((refused.stderr + refused.stdout).split())
    assert refused.returncode == 2
    assert "cannot be loaded: own-ctr registers own_ctr.missing:Gone: ModuleNotFoundError" in told


def test_a_shipped_architecture_is_not_replaced(own_package: Path) -> None:
    asked = "from ctrlab_api.architectures import declaration; print(declaration('lr').title)"
    assert python(own_package, "-c", asked).stdout == "LR\n"
