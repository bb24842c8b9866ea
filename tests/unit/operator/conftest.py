"""An experiment as the API server returns it, and the settings and storage of the operator."""

from collections.abc import Callable
from typing import Any

import pytest
from builders import make_small_experiment

from ctrlab_api.resources.experiment import Experiment
from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.operator_settings import OperatorSettings

MakeExperiment = Callable[..., Experiment]


@pytest.fixture
def make() -> MakeExperiment:
    """Build an experiment with a uid; keyword arguments change its specification."""

    def experiment(name: str = "study", **changes: Any) -> Experiment:
        metadata = {"namespace": "team", "uid": "11111111-2222-3333-4444-555555555555", "generation": 3}
        return make_small_experiment(name, metadata=metadata, **changes)

    return experiment


@pytest.fixture
def storage() -> ClusterStorage:
    return ClusterStorage(
        uri="s3://bucket/prefix",
        endpoint="https://s3.example",
        region="eu-1",
        storage_secret="s3",
        test_secret="s3-sealed",
        database_secret="optuna",
    )


@pytest.fixture
def settings() -> OperatorSettings:
    return OperatorSettings(
        trainer_image="trainer:1",
        operator_image="operator:1",
        default_storage_secret="s3",
        default_database_secret="optuna",
    )
