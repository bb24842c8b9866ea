"""A suspicious run is retrained with the same seed at once, to tell a fault of the machine from a bad seed."""

from typing import Protocol

import pytest
import torch

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import Anomaly
from ctrlab_store import Store
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.finals.final_runs import evaluate
from ctrlab_trainer.finals.suspicious_runs import retrain_if_suspicious
from ctrlab_trainer.training.loop import TrainingResult


class Prepared(Protocol):
    """The type of the fixture `prepared`."""

    store: Store
    key: ExperimentKey
    plan: Plan
    schema: EncodedSchema

    @property
    def folder(self) -> Store: ...

    def freeze(self, *names: str) -> str: ...


def result(weight: float, divergence: str | None = None) -> TrainingResult:
    state = {"weight": torch.tensor([weight])}
    return TrainingResult(1, 0.7, {"auc": 0.7}, (), state, 1, divergence, None)


def test_a_diverging_seed_diverges_again_equally(prepared: Prepared) -> None:
    prepared.freeze()
    [record] = evaluate(prepared.plan, prepared.key, prepared.store, "Wild", [10])
    assert record.repetition is not None
    assert "non-finite-loss" in record.repetition.reasons
    assert record.repetition.recorded == record.repetition.repeated
    assert record.repetition.divergence is not None
    assert len(record.openings) <= 1


def test_a_normal_run_is_trained_once(prepared: Prepared) -> None:
    prepared.freeze()
    [record] = evaluate(prepared.plan, prepared.key, prepared.store, "DeepFM", [10])
    assert record.repetition is None


def test_a_best_first_epoch_does_not_trigger_retraining() -> None:
    first_epoch = Anomaly(kind="best-epoch-is-the-first", detail="no later of 3 epochs was better")
    assert retrain_if_suspicious([first_epoch], result(1.0), lambda: pytest.fail("it trained")) is None


@pytest.mark.parametrize(("weight", "equal"), [(1.0, True), (1.5, False)])
def test_the_fingerprint_depends_on_the_weights(weight: float, equal: bool) -> None:
    reason = Anomaly(kind="auc-at-or-below-half", detail="test auc 0.48")
    repetition = retrain_if_suspicious([reason], result(1.0), lambda: result(weight))
    assert repetition is not None
    assert (repetition.recorded == repetition.repeated) is equal
    assert repetition.reasons == ("auc-at-or-below-half",)
