"""A study may end before its budget is used, or its budget may be raised; each slot is over exactly once."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import update

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_study import Lease, LeasedTrial, Outcome, SharedStudy, StudyDatabase, run_trials
from ctrlab_study.slots import trial_leases, trial_slots

MakePlan = Callable[..., Plan]


def falling(trial: LeasedTrial) -> float:
    """Return lower values for later slots."""
    return 1.0 - trial.slot / 100


def leased(study: SharedStudy, worker: str = "w", gpus: int = 0) -> Lease:
    lease = study.lease(worker, gpus)
    assert lease is not None
    return lease


def test_no_improvement_stops_a_study_and_is_recorded(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=9, stop={"noImprovement": 3})
    study = studies.study(key, plan, "M")
    run_trials(study, "w", falling)
    record = study.freeze("sha256:data")
    assert [trial.slot for trial in record.trials if trial.counted] == [0, 1, 2, 3]
    assert record.stopped is not None
    assert (record.stopped.rule, record.budget) == ("noImprovement", 9)
    assert record.stopped.reason == "after 4 of 9 trials: no new best value in the last 3 trials"
    progress = studies.progress(key, plan)["M"]
    assert (progress.done, progress.skipped, progress.budget, progress.is_over) == (4, 5, 9, True)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_synchronous_study_stops_at_the_same_trial_with_any_number_of_workers(
    studies: StudyDatabase, database_url: str, key: ExperimentKey, make_plan: MakePlan, workers: int
) -> None:
    plan = make_plan(trials=24, mode="Synchronous", stop={"noImprovement": 3})

    def work(name: str) -> None:
        database = StudyDatabase(database_url)
        run_trials(database.study(key, plan, "M"), name, falling, poll=0.02)
        database.dispose()

    threads = [threading.Thread(target=work, args=(f"w{index}",)) for index in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = studies.study(key, plan, "M").freeze("sha256:data")
    assert sorted(trial.slot or 0 for trial in record.trials if trial.counted) == list(range(8))


def test_after_the_time_limit_running_trials_still_count(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    study = studies.study(key, make_plan(trials=5, stop={"after": "1h"}), "M")
    running = leased(study)
    trial = study.ask(running)
    an_hour_ago = update(trial_slots).values(first_leased=trial_slots.c.first_leased - 3601)
    study.database.transact(lambda connection: connection.execute(an_hour_ago))
    assert study.lease("late") is None
    assert not study.close()
    study.finish(running, trial, Outcome("COMPLETE", 0.5))
    assert study.close()
    record = study.freeze("sha256:data")
    assert [(trial.counted, trial.value) for trial in record.trials] == [(True, 0.5)]
    assert record.stopped is not None
    assert record.stopped.reason == "after 0 of 5 trials: the study has run for 1h"


def test_gpu_time_includes_the_leases_of_lost_workers(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=5, stop={"gpuTime": "1h"})
    study = studies.study(key, plan, "M")
    lost = leased(study, "lost", gpus=2)
    study.ask(lost)
    half_an_hour = update(trial_leases).values(since=trial_leases.c.since - 1801)
    study.database.transact(lambda connection: connection.execute(half_an_hour))
    assert studies.release_lost_workers(key, is_alive=lambda worker: worker != "lost") == 1
    assert study.lease("next", 1) is None
    assert studies.progress(key, plan)["M"].skipped == 5


def test_a_lost_trial_of_a_stopped_study_does_not_run_again(
    database_url: str, key: ExperimentKey, make_plan: MakePlan
) -> None:
    expiring = StudyDatabase(database_url, lease_seconds=-1)
    study = expiring.study(key, make_plan(trials=3, stop={"after": "1h"}), "M")
    study.ask(leased(study, "lost"))
    an_hour_ago = update(trial_slots).values(first_leased=trial_slots.c.first_leased - 3601)
    study.database.transact(lambda connection: connection.execute(an_hour_ago))
    assert study.lease("next") is None
    assert study.close()
    assert expiring.progress(key, study.plan)["M"].skipped == 3
    expiring.dispose()


def test_trials_can_be_raised_until_a_study_is_closed(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=2)
    study = studies.study(key, plan, "M")
    run_trials(study, "w", falling, stop=lambda: False)
    same = make_plan(trials=2)
    assert same.digest == plan.digest
    assert not studies.raise_trials(key, plan, 4)
    assert studies.progress(key, plan)["M"].budget == 2


def test_a_study_with_raised_trials_equals_one_that_was_planned_so(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan, larger = make_plan(trials=2, sampler="QMC"), make_plan(trials=5, sampler="QMC")
    study = studies.study(key, plan, "M")
    first = leased(study)
    assert studies.raise_trials(key, plan, 5)
    assert studies.raise_trials(key, plan, 5)
    study.release(first, None, "test")
    run_trials(study, "w", falling)
    record = study.freeze("sha256:data")
    other = key.model_copy(update={"uid": "planned"})
    planned = studies.study(other, larger, "M")
    run_trials(planned, "w", falling)
    points = [trial.parameters for trial in record.trials]
    assert points == [trial.parameters for trial in planned.freeze("sha256:data").trials]
    assert (len(points), record.budget) == (5, 5)


def test_raising_and_closing_at_once_never_both_succeed(
    studies: StudyDatabase, database_url: str, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=1)
    study = studies.study(key, plan, "M")
    lease = leased(study)
    study.finish(lease, study.ask(lease), Outcome("COMPLETE", 0.5))
    results: dict[str, bool] = {}

    def close() -> None:
        database = StudyDatabase(database_url)
        results["closed"] = database.study(key, plan, "M").close()
        database.dispose()

    def raise_trials() -> None:
        database = StudyDatabase(database_url)
        results["raised"] = database.raise_trials(key, plan, 3)
        database.dispose()

    threads = [threading.Thread(target=close), threading.Thread(target=raise_trials)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results["closed"] != results["raised"]
    assert studies.progress(key, plan)["M"].budget == (3 if results["raised"] else 1)
