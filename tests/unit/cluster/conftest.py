"""One experiment and what surrounds it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rig.cluster import spec

from ctrlab_contract.experiment import Experiment
from ctrlab_contract.runtime import SecretReference, Storage
from ctrlab_operator.cluster.settings import Settings
from ctrlab_operator.cluster.storage import ClusterStorage

Make = Callable[..., Experiment]


@pytest.fixture
def make() -> Make:
    """An experiment as the API server holds it; keyword arguments change its specification."""

    def experiment(name: str = "study", **changes: Any) -> Experiment:
        metadata = {"name": name, "namespace": "team", "uid": "11111111-2222-3333-4444-555555555555", "generation": 3}
        return Experiment.model_validate_json(json.dumps({"metadata": metadata, "spec": spec(**changes)}))

    return experiment


@pytest.fixture
def storage() -> ClusterStorage:
    return ClusterStorage(
        uri="s3://bucket/prefix",
        endpoint="https://s3.example",
        region="eu-1",
        secret="s3",
        test_secret="s3-sealed",
        database_secret="optuna",
    )


@pytest.fixture
def settings() -> Settings:
    defaults = Storage(secret_ref=SecretReference(name="s3"), database_secret_ref=SecretReference(name="optuna"))
    return Settings(trainer_image="trainer:1", report_image="operator:1", storage=defaults)
