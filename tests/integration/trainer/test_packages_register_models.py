"""The package of docs/add-a-model.md registers an architecture that is validated and trained like the shipped ones."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "add-a-model.md").read_text()
DECLARATION, MODULE = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)

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
from ctrlab_api.names import ObjectKey
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData
from ctrlab_store import open_store
from ctrlab_study import untuned_record
from ctrlab_trainer.data.preparation.dataset_preparation import prepare
from ctrlab_trainer.finals.final_runs import evaluate

experiment = load_manifests(Path(sys.argv[1]))[0]
plan = Plan.from_experiment(experiment)
key = ExperimentKey.for_local_run(experiment.metadata, plan.digest)
store = open_store(sys.argv[2])
folder = store.below(key.prefix)
folder.put(ObjectKey.PLAN, plan.to_json().encode())
prepare(plan, store, key)
data = PreparedData.model_validate_json(folder.get(ObjectKey.PREPARED))
folder.put(ObjectKey.study("Mine"), untuned_record(plan, "Mine", data.digest).to_json().encode())
[record] = evaluate(plan, key, store, "Mine", [plan.evaluation.seeds.base])
print(record.state, record.architecture, record.config["scale"], record.metrics_test["auc"] is not None)
"""


@pytest.fixture
def own_package(tmp_path: Path) -> Path:
    """A site-packages folder with the package and its metadata, as pip installs them."""
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


def test_registered_model_is_trained(own_package: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(EXPERIMENT)
    completed = python(own_package, "-c", TRAIN, str(file), (tmp_path / "store").as_uri())
    assert completed.stdout.splitlines()[-1:] == ["Succeeded tiny 0.5 True"], completed.stderr


def test_parameters_and_parts_are_described_and_checked(own_package: Path, tmp_path: Path) -> None:
    listed = python(own_package, "-m", "ctrlab.cli", "architectures", "tiny")
    assert "the scaled inner products" in listed.stdout, listed.stderr
    file = tmp_path / "own.yaml"
    file.write_text(EXPERIMENT.replace('"0.5"', '"50"'))
    rejected = python(own_package, "-m", "ctrlab.cli", "validate", str(file))
    assert rejected.returncode == 2
    assert "spec.models[0].parameters.scale" in rejected.stderr + rejected.stdout


def test_message_names_the_package_that_cannot_be_loaded(own_package: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(EXPERIMENT.replace("architecture: tiny", "architecture: gone"))
    rejected = python(own_package, "-m", "ctrlab.cli", "validate", str(file))
    message = " ".join((rejected.stderr + rejected.stdout).split())
    assert rejected.returncode == 2
    assert "cannot be loaded: own-ctr registers own_ctr.missing:Gone: ModuleNotFoundError" in message


def test_shipped_architecture_is_not_replaced(own_package: Path) -> None:
    code = "from ctrlab_api.architectures import declaration; print(declaration('lr').title)"
    assert python(own_package, "-c", code).stdout == "LR\n"
