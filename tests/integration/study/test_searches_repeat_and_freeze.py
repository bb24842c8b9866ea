"""What does not depend on who works: the visited cells, a synchronous search, and the frozen record."""

import threading
from collections.abc import Callable
from typing import Any

import optuna
import pytest

from ctrlab_contract.plan import ExperimentKey, Plan
from ctrlab_contract.records import StudyRecord
from ctrlab_contract.study import SearchTrial, StudyDatabase, search, trials_csv

MakePlan = Callable[..., Plan]


def objective(trial: SearchTrial) -> float:
    """Deterministic in the parameters, with a curve that a pruner can judge."""
    rate = float(trial.parameters.get("learning_rate", 0.5))
    for epoch in (1, 2, 3):
        trial.report(epoch, rate * epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return rate * 3


def work(url: str, key: ExperimentKey, plan: Plan, workers: int) -> None:
    """Runs the search by several workers at once, each with connections of its own."""
    errors: list[BaseException] = []

    def one(name: str) -> None:
        studies = StudyDatabase(url)
        try:
            search(studies.study(key, plan, "M"), name, objective, poll=0.02)
        except BaseException as error:
            errors.append(error)
        finally:
            studies.dispose()

    threads = [threading.Thread(target=one, args=(f"w{index}",)) for index in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def frozen(studies: StudyDatabase, key: ExperimentKey, plan: Plan) -> StudyRecord:
    return studies.study(key, plan, "M").freeze("sha256:data")


GRID = {"architecture": {"categorical": ["a", "b"]}, "depth": {"int": {"low": 1, "high": 5, "step": 2}}}


@pytest.mark.parametrize("sampler", ["Grid", "QMC", "Random"])
def test_points_are_visited_once_by_any_number_of_workers(
    studies: StudyDatabase, database_url: str, key: ExperimentKey, make_plan: MakePlan, sampler: str
) -> None:
    search_space = GRID if sampler == "Grid" else {"learning_rate": {"float": {"low": "0.1", "high": "0.9"}}}
    plan = make_plan(search=search_space, sampler=sampler, trials=6)
    work(database_url, key, plan, workers=3)
    record = frozen(studies, key, plan)
    points = [tuple(trial.parameters.values()) for trial in record.trials if trial.counted]
    assert len(set(points)) == len(points) == 6
    if sampler == "Grid":
        assert set(points) == {(letter, depth) for letter in "ab" for depth in (1, 3, 5)}


@pytest.mark.parametrize("pruner", ["Median", "SuccessiveHalving", "Hyperband"])
def test_a_synchronous_search_is_the_same_with_one_worker_and_with_three(
    studies: StudyDatabase, database_url: str, key: ExperimentKey, make_plan: MakePlan, pruner: str
) -> None:
    plan = make_plan(sampler="TPE", trials=10, mode="Synchronous", pruner={"type": pruner})

    def search_by(workers: int) -> dict[int | None, Any]:
        own = key.model_copy(update={"uid": f"{workers}-workers"})
        work(database_url, own, plan, workers)
        trials = frozen(studies, own, plan).trials
        return {trial.slot: (trial.state, trial.parameters, trial.curve) for trial in trials}

    alone = search_by(1)
    assert len(alone) == 10
    assert search_by(3) == alone


def test_two_workers_freeze_the_same_bytes(
    studies: StudyDatabase, database_url: str, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=4)
    study = studies.study(key, plan, "M")
    orphan = study.trials.load().ask()  # its worker died before the slot could name it
    work(database_url, key, plan, workers=2)
    records: list[bytes] = []

    def freeze() -> None:
        own = StudyDatabase(database_url)
        records.append(frozen(own, key, plan).to_json().encode())
        own.dispose()

    threads = [threading.Thread(target=freeze) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records) == 2
    assert len(set(records)) == 1
    record = StudyRecord.model_validate_json(records[0])
    assert [(t.number, t.reason) for t in record.trials if not t.counted] == [
        (orphan.number, "its worker was lost or had lost its lease")
    ]
    assert trials_csv(record).count(b"\n") == 1 + len(record.trials)


def test_a_search_is_made_once_by_workers_that_start_together(
    studies: StudyDatabase, database_url: str, key: ExperimentKey, make_plan: MakePlan
) -> None:
    work(database_url, key, make_plan(trials=1), workers=4)
    assert studies.progress(key, make_plan(trials=1))["M"].done == 1
