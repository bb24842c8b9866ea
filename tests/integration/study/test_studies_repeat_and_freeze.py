"""The points of a study, a synchronous study and the frozen record do not depend on which workers ran them."""

import re
import threading
from collections.abc import Callable
from typing import Any

import optuna
import pytest

from ctrlab_api.errors import InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import StudyRecord
from ctrlab_study import LeasedTrial, StudyDatabase, WarmStartTrials, run_trials, trials_csv

MakePlan = Callable[..., Plan]


def objective(trial: LeasedTrial) -> float:
    """Return a value that depends only on the parameters, after a curve that a pruner can evaluate."""
    rate = float(trial.parameters.get("learning_rate", 0.5))
    for epoch in (1, 2, 3):
        trial.report(epoch, rate * epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return rate * 3


def work(url: str, key: ExperimentKey, plan: Plan, workers: int) -> None:
    """Run the study with several workers at once, each with its own connections."""
    errors: list[BaseException] = []

    def run(name: str) -> None:
        studies = StudyDatabase(url)
        try:
            run_trials(studies.study(key, plan, "M"), name, objective, poll=0.02)
        except BaseException as error:
            errors.append(error)
        finally:
            studies.dispose()

    threads = [threading.Thread(target=run, args=(f"w{index}",)) for index in range(workers)]
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


CONDITIONAL = {
    "learning_rate": {"float": {"low": "1e-4", "high": "1e-1", "log": True}},
    "epochs": {"int": {"low": 1, "high": 9}},
    "fusion": {"categorical": ["gate", "sum"]},
    "heads": {"int": {"low": 1, "high": 4}, "when": {"fusion": "gate"}},
}
ORDERED = {"ordered": [["heads", "epochs"]], "forbidden": [{"fusion": "sum", "epochs": 3}]}


@pytest.mark.parametrize(
    ("sampler", "pruner", "constrained"),
    [
        ("TPE", "Median", False),
        ("TPE", "SuccessiveHalving", True),
        ("TPE", "Hyperband", False),
        ("QMC", "Percentile", True),
        ("GP", "Patient", False),
        ("CmaEs", "SuccessiveHalving", False),
        ("CmaEs", "Median", True),
        ("Random", "Median", False),
        ("Grid", "Percentile", False),
    ],
)
def test_a_synchronous_study_is_the_same_with_one_worker_and_with_three(
    studies: StudyDatabase,
    database_url: str,
    key: ExperimentKey,
    make_plan: MakePlan,
    sampler: str,
    pruner: str,
    constrained: bool,
) -> None:
    space = {"search": CONDITIONAL, "constraints": ORDERED} if constrained else {}
    if sampler == "Grid":
        rates = {"float": {"low": "0.1", "high": "0.9", "step": "0.1"}}
        space = {"search": {"learning_rate": rates, "epochs": {"int": {"low": 1, "high": 2}}}}
    plan = make_plan(sampler=sampler, trials=18, mode="Synchronous", pruner={"type": pruner}, **space)

    def run_with(workers: int) -> dict[int | None, Any]:
        new_key = key.model_copy(update={"uid": f"{workers}-workers"})
        work(database_url, new_key, plan, workers)
        trials = frozen(studies, new_key, plan).trials
        return {trial.slot: (trial.state, trial.parameters, trial.curve) for trial in trials}

    one_worker = run_with(1)
    assert len(one_worker) == 18
    pruned = any(state == "PRUNED" for state, _, _ in one_worker.values())
    assert pruned is (pruner != "Patient")  # Each epoch is better than the previous one, so Patient prunes nothing.
    assert run_with(3) == one_worker


@pytest.mark.parametrize("sampler", ["TPE", "GP", "CmaEs", "QMC", "Random", "Grid"])
def test_no_trial_violates_a_constraint_or_has_an_inactive_parameter(
    studies: StudyDatabase, database_url: str, key: ExperimentKey, make_plan: MakePlan, sampler: str
) -> None:
    stepped = {name: dimension for name, dimension in CONDITIONAL.items() if name != "learning_rate"}
    plan = make_plan(search=stepped, constraints=ORDERED, sampler=sampler, trials=16)
    work(database_url, key, plan, workers=2)
    record = frozen(studies, key, plan)
    points = [trial.parameters for trial in record.trials if trial.counted]
    assert len(points) == 16
    for point in points:
        assert ("heads" in point) == (point["fusion"] == "gate")
        assert plan.variant("M").search_space.allows(point)
    if sampler in ("Grid", "QMC"):
        assert len({tuple(point.items()) for point in points}) == 16


def test_repeated_studies_are_independent_and_each_has_the_whole_budget(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=3, repeats=2)
    records = []
    for repeat in range(2):
        study = studies.study(key, plan, "M", repeat)
        run_trials(study, "w", objective)
        records.append(study.freeze("sha256:data"))
    first, second = ([trial.parameters for trial in record.trials] for record in records)
    assert len(first) == len(second) == 3
    assert all(one != other for one, other in zip(first, second, strict=True))
    progress = studies.progress(key, plan)["M"]
    assert (progress.done, progress.budget) == (6, 6)
    joined = records[0].model_copy(update={"repeats": (records[1],)})
    assert [joined.choice(plan.study_of(2024 + run)) for run in range(4)] == [records[0].best, records[1].best] * 2
    assert trials_csv(joined).splitlines()[1:][3].startswith(b"2,0,0,true")


def test_a_warm_start_shows_the_sampler_trials_in_the_space_and_counts_none(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan
) -> None:
    previous_key = key.model_copy(update={"uid": "earlier"})
    study = studies.study(previous_key, make_plan(trials=30), "M")
    run_trials(study, "w", objective)
    previous = study.freeze("sha256:data")
    narrower = {
        "learning_rate": {"float": {"low": "1e-3", "high": "1e-1", "log": True}},
        "epochs": {"int": {"low": 1, "high": 9}},
    }
    plan = make_plan(search=narrower, sampler="TPE", trials=3, warmStart={"experiment": previous_key.prefix})
    inside = [trial for trial in previous.trials if float(trial.parameters["learning_rate"]) >= 1e-3]
    warm = WarmStartTrials.from_study(plan, "M", "sha256:data", previous, "lr")
    assert (warm.record.trials, warm.record.outside) == (len(inside), 30 - len(inside))
    study = studies.study(key, plan, "M", warm_start=warm)
    run_trials(study, "w", objective)
    record = study.freeze("sha256:data")
    assert len(record.trials) == 3
    assert record.warm_start == warm.record
    cold = studies.study(key.model_copy(update={"uid": "cold"}), plan, "M")
    run_trials(cold, "w", objective)
    assert [trial.parameters for trial in cold.freeze("sha256:data").trials] != [t.parameters for t in record.trials]


@pytest.mark.parametrize("mode", ["Asynchronous", "Synchronous"])
def test_a_warm_start_of_cma_es_begins_at_the_best_trials_and_continues_to_learn(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan, mode: str
) -> None:
    numbers = {name: {"float": {"low": "0.1", "high": "0.9"}} for name in ("dropout", "learning_rate")}
    study = studies.study(key, make_plan(search=numbers, trials=30), "M")
    run_trials(study, "w", objective)
    previous = study.freeze("sha256:data")
    plan = make_plan(
        search=numbers,
        sampler="CmaEs",
        mode=mode,
        trials=26,
        pruner={"type": "None"},
        warmStart={"experiment": key.prefix},
    )
    warm = WarmStartTrials.from_study(plan, "M", "sha256:data", previous, "lr")
    study = studies.study(key.model_copy(update={"uid": "warm"}), plan, "M", warm_start=warm)
    run_trials(study, "w", objective)
    trials = {trial.user_attrs["slot"]: trial for trial in study.trials.all()}
    learned = [slot for slot, trial in trials.items() if any(name.startswith("cma:opt") for name in trial.system_attrs)]
    assert learned
    best = previous.best.parameters["learning_rate"]
    near = [float(trials[slot].params["learning_rate"]) for slot in range(8, 16)]
    assert abs(sum(near) / len(near) - float(best)) < 0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"dataset_digest": "sha256:other"},
            "the data set of default/trial-run/0 is sha256:other, that of this experiment is",
        ),
        (
            {"primary_metric": "logloss"},
            "the primary metric of default/trial-run/0 is logloss, that of this experiment is auc",
        ),
        ({}, "CmaEs needs 10 complete trials of default/trial-run/0 in the new space, but there are 1; use TPE or GP"),
    ],
)
def test_a_warm_start_with_other_data_another_metric_or_too_few_trials_is_rejected(
    studies: StudyDatabase, key: ExperimentKey, make_plan: MakePlan, change: dict[str, str], message: str
) -> None:
    study = studies.study(key, make_plan(trials=1), "M")
    run_trials(study, "w", objective)
    previous = study.freeze("sha256:data").model_copy(update=change)
    sampler = "CmaEs" if message.startswith("CmaEs") else "TPE"
    plan = make_plan(sampler=sampler, warmStart={"experiment": "default/trial-run/0"})
    with pytest.raises(InvalidInput, match="spec.tuning.warmStart.experiment: " + re.escape(message)):
        WarmStartTrials.from_study(plan, "M", "sha256:data", previous, "lr")


def test_two_workers_freeze_the_same_bytes(
    studies: StudyDatabase, database_url: str, key: ExperimentKey, make_plan: MakePlan
) -> None:
    plan = make_plan(trials=4)
    study = studies.study(key, plan, "M")
    orphan = study.trials.load().ask()  # its worker died before the slot could name it
    work(database_url, key, plan, workers=2)
    records: list[bytes] = []

    def freeze() -> None:
        database = StudyDatabase(database_url)
        records.append(frozen(database, key, plan).to_json().encode())
        database.dispose()

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


def test_workers_that_start_together_create_a_study_once(
    studies: StudyDatabase, database_url: str, key: ExperimentKey, make_plan: MakePlan
) -> None:
    work(database_url, key, make_plan(trials=1), workers=4)
    assert studies.progress(key, make_plan(trials=1))["M"].done == 1
