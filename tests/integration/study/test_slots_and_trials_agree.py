"""The budget stays exact in every state in which a worker can leave a slot and its Optuna trial."""

from collections.abc import Callable

import optuna
import pytest
from sqlalchemy import update

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_study import (
    LeasedTrial,
    LeaseLost,
    Outcome,
    SharedStudy,
    StudyDatabase,
    StudyFailed,
    WorkerInterrupted,
    run_trials,
)
from ctrlab_study.recovery import MAX_LOSSES
from ctrlab_study.slots import Lease, trial_slots

MakePlan = Callable[..., Plan]


def leased(study: SharedStudy, worker: str = "w") -> Lease:
    lease = study.lease(worker)
    assert lease is not None
    return lease


@pytest.fixture
def expiring(database_url: str) -> StudyDatabase:
    """A database whose leases expire at once."""
    return StudyDatabase(database_url, lease_seconds=-1)


def test_each_slot_is_leased_once(studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan) -> None:
    study = studies.study(key, make_plan(trials=3), "M")
    assert [leased(study, f"w{index}").slot for index in range(3)] == [0, 1, 2]
    assert study.lease("late") is None
    assert not study.is_over()


def test_a_lost_lease_frees_the_slot(expiring: StudyDatabase, key: ExperimentKey, make_plan: MakePlan) -> None:
    study = expiring.study(key, make_plan(trials=1), "M")
    first = leased(study, "lost")
    trial = study.ask(first)
    second = leased(study, "next")
    assert second.slot == first.slot
    ended = study.trials.all()[trial.number]
    assert ended.state == optuna.trial.TrialState.FAIL
    assert "stopped renewing" in ended.user_attrs["lost"]


def test_finishing_after_a_lost_lease_does_not_count_twice(
    expiring: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = expiring.study(key, make_plan(trials=1), "M")
    first = leased(study, "slow")
    slow = study.ask(first)
    second = leased(study, "next")
    with pytest.raises(LeaseLost):
        study.finish(first, slow, Outcome("COMPLETE", 0.9))
    study.finish(second, study.ask(second), Outcome("COMPLETE", 0.5))
    record = study.freeze("sha256:data")
    assert [(trial.counted, trial.state, trial.value) for trial in record.trials] == [
        (False, "FAIL", None),
        (True, "COMPLETE", 0.5),
    ]
    assert record.best.value == 0.5


def test_a_worker_that_lost_its_lease_notices_at_its_next_report(
    expiring: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = expiring.study(key, make_plan(trials=1), "M")
    trial = study.ask(leased(study, "slow"))
    leased(study, "next")
    with pytest.raises(LeaseLost):
        trial.report(1, 0.5)


def test_a_crash_between_tell_and_done_counts_the_trial_once(
    expiring: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = expiring.study(key, make_plan(trials=1), "M")
    trial = study.ask(leased(study, "crashes"))
    study.trials.tell(trial.number, Outcome("COMPLETE", 0.7))
    assert study.lease("next") is None
    assert study.is_over()
    assert [(trial.counted, trial.value) for trial in study.freeze("sha256:data").trials] == [(True, 0.7)]


def test_a_crash_between_telling_a_failure_and_done_counts_the_failure(
    expiring: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = expiring.study(key, make_plan(trials=1), "M")
    trial = study.ask(leased(study, "crashes"))
    study.trials.tell(trial.number, Outcome("FAIL", reason="diverged"))
    assert study.lease("next") is None
    progress = expiring.progress(key, study.plan)["M"]
    assert (progress.done, progress.failed, progress.last_failure) == (1, 1, "diverged")


def test_a_slot_that_kills_its_workers_fails_in_the_end(
    expiring: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = expiring.study(key, make_plan(trials=1, maxFailedTrials=0), "M")
    for worker in range(MAX_LOSSES):
        study.ask(leased(study, f"victim-{worker}"))
    with pytest.raises(StudyFailed, match=f"lost {MAX_LOSSES} times"):
        study.lease("next")


def test_released_slots_run_again_and_never_fail(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = studies.study(key, make_plan(trials=1), "M")
    for _ in range(MAX_LOSSES + 1):
        lease = leased(study)
        study.release(lease, study.ask(lease), "the pod was evicted")
    run_trials(study, "last", lambda trial: 0.5)
    record = study.freeze("sha256:data")
    assert [trial.counted for trial in record.trials] == [False] * (MAX_LOSSES + 1) + [True]
    assert {trial.reason for trial in record.trials if not trial.counted} == {"the pod was evicted"}


def test_a_slot_that_runs_again_draws_the_same_parameters(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = studies.study(key, make_plan(trials=2), "M")
    lease = leased(study)
    first = study.ask(lease)
    study.release(lease, first, "test")
    repeated = study.ask(leased(study))
    other = study.ask(leased(study))
    assert first.parameters == repeated.parameters != other.parameters


def test_only_dead_workers_are_released(studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan) -> None:
    plan = make_plan(trials=2)
    study = studies.study(key, plan, "M")
    dead, living = leased(study, "dead"), leased(study, "living")
    lost = study.ask(dead)
    assert studies.release_lost_workers(key, is_alive=lambda worker: worker == "living") == 1
    study.renew(living)
    with pytest.raises(LeaseLost):
        study.renew(dead)
    assert study.trials.all()[lost.number].user_attrs["lost"] == "its worker dead is gone"
    assert studies.progress(key, plan)["M"].leased == 1


def test_an_interrupted_worker_releases_its_slot(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=2)
    study = studies.study(key, plan, "M")
    started: list[int] = []

    def objective(trial: LeasedTrial) -> float:
        started.append(trial.number)
        trial.report(1, 0.5)
        raise AssertionError("the report must have raised")

    with pytest.raises(WorkerInterrupted):
        run_trials(study, "w", objective, stop=lambda: bool(started))
    progress = studies.progress(key, plan)["M"]
    assert (progress.done, progress.leased, progress.failed, progress.lost) == (0, 0, 0, 0)
    assert "told to stop" in study.trials.all()[0].user_attrs["lost"]


def test_an_exception_of_the_model_fails_the_trial_and_too_many_fail_the_study(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=6, maxFailedTrials=2)
    study = studies.study(key, plan, "M")

    def objective(trial: LeasedTrial) -> float:
        raise RuntimeError(f"no heads for slot {trial.slot}")

    with pytest.raises(StudyFailed, match=r"3 of 3 finished trials failed.*RuntimeError: no heads for slot 2"):
        run_trials(study, "w", objective)
    progress = studies.progress(key, plan)["M"]
    assert (progress.done, progress.failed, progress.leased) == (3, 3, 0)
    assert progress.last_failure == "RuntimeError: no heads for slot 2"


def test_a_value_that_is_not_finite_fails_the_trial(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = studies.study(key, make_plan(trials=2), "M")
    run_trials(study, "w", lambda trial: float("nan") if trial.slot else 0.5)
    assert [trial.reason for trial in study.freeze("sha256:data").trials] == [None, "the validation value is nan"]


def test_a_study_without_a_complete_trial_fails(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = studies.study(key, make_plan(trials=2), "M")
    run_trials(study, "w", lambda trial: 1 / 0)
    with pytest.raises(StudyFailed, match=r"none of 2 trials is complete: 2 failed.*ZeroDivisionError"):
        study.freeze("sha256:data")


def test_a_study_that_exceeds_its_time_limit_fails(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = studies.study(key, make_plan(trials=2, timeout="1h"), "M")
    lease = leased(study)
    study.renew(lease)
    an_hour_ago = update(trial_slots).values(first_leased=trial_slots.c.first_leased - 3601)
    study.database.transact(lambda connection: connection.execute(an_hour_ago))
    with pytest.raises(StudyFailed, match=r"0 of 2 trials were finished within tuning.timeout 1h"):
        study.renew(lease)


def test_pruned_trials_count_and_are_never_the_best(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    pruner = {"type": "Median", "startupTrials": 1, "warmupEpochs": 0}
    study = studies.study(key, make_plan(trials=3, pruner=pruner), "M")

    def objective(trial: LeasedTrial) -> float:
        for epoch, value in enumerate(([0.6, 0.7], [0.5, 0.9], [0.65, 0.8])[trial.slot], start=1):
            trial.report(epoch, value)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    run_trials(study, "w", objective)
    record = study.freeze("sha256:data")
    assert [(trial.state, trial.curve) for trial in record.trials] == [
        ("COMPLETE", {1: 0.6, 2: 0.7}),
        ("PRUNED", {1: 0.5}),
        ("COMPLETE", {1: 0.65, 2: 0.8}),
    ]
    assert (record.best.trial, record.best.runner_up) == (2, 0)


def test_progress_of_a_study_that_has_not_started_is_zero(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    studies.create_schema()
    progress = studies.progress(key, make_plan(trials=5))["M"]
    assert (progress.budget, progress.done, progress.best_value) == (5, 0, None)
