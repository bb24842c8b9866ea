"""One experiment and what surrounds it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fake_cluster.cluster import spec

from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.runtime import SecretReference, Storage
from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.operator_settings import Settings

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
