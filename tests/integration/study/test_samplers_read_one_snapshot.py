"""A trial of another worker that ends between two reads of a sampler changes nothing for that sampler."""

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_study import StudyDatabase
from ctrlab_study.points import distributions_of

STARTUP_TRIALS = 10
"""Complete trials from which the samplers of Optuna learn."""

SEARCH: dict[str, Any] = {
    "epochs": {"int": {"low": 1, "high": 9}},
    "fusion": {"categorical": ["gate", "sum"]},
    "heads": {"int": {"low": 1, "high": 4}, "when": {"fusion": "gate"}},
}
SAMPLERS: dict[str, Any] = {
    "GP": optuna.samplers.GPSampler,
    "TPE": optuna.samplers.TPESampler,
    "CmaEs": optuna.samplers.CmaEsSampler,
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_trial_without_a_joint_parameter_ends_between_two_reads(
    studies: StudyDatabase,
    key: ExperimentKey,
    make_plan: Callable[..., Plan],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    plan = make_plan(search=SEARCH, sampler=name, trials=STARTUP_TRIALS + 2)
    study = studies.study(key, plan, "M")
    optuna_study = study.trials.load()
    distributions = distributions_of(plan.variant("M").search_space.dimensions)

    def complete(value: float, **parameters: Any) -> None:
        used = {parameter: distributions[parameter] for parameter in parameters}
        optuna_study.add_trial(optuna.create_trial(value=value, params=parameters, distributions=used))

    for index in range(STARTUP_TRIALS):
        complete(index / 10, epochs=1 + index % 9, fusion="gate", heads=1 + index % 4)
    infer = SAMPLERS[name].infer_relative_search_space
    joint_spaces: list[dict[str, BaseDistribution]] = []

    def infer_and_let_another_worker_finish(
        self: optuna.samplers.BaseSampler, sampled: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        joint_spaces.append(infer(self, sampled, trial))
        complete(0.5, epochs=3, fusion="sum")
        return joint_spaces[-1]

    monkeypatch.setattr(SAMPLERS[name], "infer_relative_search_space", infer_and_let_another_worker_finish)
    lease = study.lease("w")
    assert lease is not None
    trial = study.ask(lease)
    assert "heads" in joint_spaces[0], "the joint space does not have the parameter that the other trial lacks"
    assert plan.variant("M").search_space.allows(trial.parameters)
    assert [ended.params for ended in study.trials.all()].count({"epochs": 3, "fusion": "sum"}) == len(joint_spaces)
