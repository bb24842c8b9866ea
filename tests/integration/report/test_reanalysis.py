"""A plan whose analysis only was changed reports the same studies and runs, and trains nothing again."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import make_experiment
from builders.finished_experiment import ExperimentWriter, WrittenExperiment

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_control.observing import Observer
from ctrlab_control.reanalysis import adopt, find_origins, is_untouched
from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.inputs.report_inputs import read_report_inputs
from ctrlab_store import ObjectExists, Store, open_store
from ctrlab_study import StudyDatabase

NEW = ExperimentKey.parse("default/movies/ffffff")


def changed(plan: Plan, **analysis: Any) -> Plan:
    return plan.model_copy(update={"analysis": plan.analysis.model_copy(update=analysis)})


def with_batch_size(plan: Plan) -> Plan:
    variants = tuple(v.model_copy(update={"parameters": {"batch_size": 64}}) for v in plan.variants)
    return plan.model_copy(update={"variants": variants})


def store_of(experiment: WrittenExperiment) -> Store:
    return open_store(experiment.uri)


ANALYSIS: dict[str, dict[str, Any]] = {
    "metrics": {"metrics": ("auc", "ne", "ece", "brier")},
    "margin": {"margin": "0.01"},
    "confidence": {"confidence": "0.9"},
    "reference": {"reference": "DIN"},
    "compare": {"compare": "AllPairs"},
    "correction": {"correction": "None"},
}


@pytest.mark.parametrize("analysis", ANALYSIS.values(), ids=ANALYSIS)
def test_every_reported_field_can_change(experiment: WrittenExperiment, analysis: dict[str, Any]) -> None:
    plan = changed(experiment.plan, **analysis)
    assert find_origins(store_of(experiment), NEW, plan) == [experiment.key]


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: changed(plan, primary_metric="logloss"),
        with_batch_size,
        lambda plan: plan.model_copy(update={"tuning": plan.tuning.model_copy(update={"trials": 99})}),
        lambda plan: plan.model_copy(update={"dataset": plan.dataset.model_copy(update={"user": None})}),
    ],
    ids=["the primary metric", "a parameter", "the trials", "the data set"],
)
def test_what_training_depends_on_cannot_change(experiment: WrittenExperiment, change: Callable[[Plan], Plan]) -> None:
    assert find_origins(store_of(experiment), NEW, change(experiment.plan)) == []


def test_fields_that_decide_the_number_of_seeds_cannot_change_with_a_precision(written: ExperimentWriter) -> None:
    experiment = written(half_width="0.001")
    assert find_origins(store_of(experiment), NEW, changed(experiment.plan, margin="0.01")) == [experiment.key]
    assert find_origins(store_of(experiment), NEW, changed(experiment.plan, confidence="0.9")) == []


def test_studies_in_progress_and_other_names_are_no_origin(experiment: WrittenExperiment) -> None:
    plan = changed(experiment.plan, margin="0.01")
    assert find_origins(store_of(experiment), ExperimentKey.parse("default/other/ffffff"), plan) == []
    (experiment.path / ObjectKey.study("DIN")).unlink()
    assert find_origins(store_of(experiment), NEW, plan) == []


def test_the_report_has_the_same_values_and_names_the_change(experiment: WrittenExperiment) -> None:
    store = store_of(experiment)
    before = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    files = {path: path.read_bytes() for path in experiment.path.rglob("*") if path.is_file()}
    plan = changed(experiment.plan, metrics=("auc", "ne", "ece"), margin="0.01")
    assert is_untouched(store, NEW, plan)
    record = adopt(store, NEW, plan, experiment.key)
    assert not is_untouched(store, NEW, plan)
    assert record.changed == ("margin", "metrics")
    assert {path: path.read_bytes() for path in experiment.path.rglob("*") if path.is_file()} == files
    inputs = read_report_inputs(store.below(NEW.prefix), NEW)
    assert all(run.record is not None and run.record.reused_from is not None for run in inputs.runs)
    after = analyse_report(inputs)
    for old, new in zip(before.models, after.models, strict=True):
        assert new.metrics["auc"].by_seed == old.metrics["auc"].by_seed
        assert new.metrics["ne"].test is not None
        assert new.metrics["ece"].test is not None
    assert after.status == "exploratory"
    assert after.status_reason.startswith(
        f"Analysis changed after the results of {experiment.key} were opened: analysis.margin, analysis.metrics."
    )
    assert after.reanalysis == record


def test_adopting_is_idempotent_and_a_crash_leaves_no_plan(
    experiment: WrittenExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(experiment)
    plan = changed(experiment.plan, margin="0.01")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr("ctrlab_control.reanalysis.freeze_plan", crash)
        with pytest.raises(KeyboardInterrupt):
            adopt(store, NEW, plan, experiment.key)
    assert not store.below(NEW.prefix).exists(ObjectKey.PLAN)
    first = adopt(store, NEW, plan, experiment.key)
    assert adopt(store, NEW, plan, experiment.key) == first
    with pytest.raises(ObjectExists):
        adopt(store, NEW, changed(plan, margin="0.02"), experiment.key)


def test_only_the_report_is_left_to_do(experiment: WrittenExperiment, tmp_path: Path) -> None:
    store = store_of(experiment)
    plan = changed(experiment.plan, margin="0.01")
    adopt(store, NEW, plan, experiment.key)
    database = StudyDatabase(f"sqlite:///{tmp_path / 'study.db'}")
    database.create_schema()
    facts = Observer(store, database, NEW).facts(make_experiment("movies"), {}, datetime.now(UTC))
    database.dispose()
    assert facts.frozen_plan == plan
    assert facts.all_studies_frozen
    assert facts.runs == frozenset(plan.final_runs())
    assert facts.report is None
