"""The study database is asked while studies are in progress, and not before or afterwards."""

from datetime import datetime
from pathlib import Path

import pytest
from builders import NOW, make_prepared_data, make_small_experiment, make_study_record, make_trial_record

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.status import ExperimentStatus, ModelStatus
from ctrlab_control.observing import Observer
from ctrlab_control.planner import Facts
from ctrlab_store import FileStore, Store
from ctrlab_study import StudyDatabase, StudyProgress, StudyUnavailable

EXPERIMENT = make_small_experiment()
PLAN = Plan.from_experiment(EXPERIMENT)
KEY = ExperimentKey.parse("default/study/0a1b")


class UnavailableDatabase(StudyDatabase):
    """A database that was asked if `queries` is not 0."""

    def __init__(self) -> None:
        self.queries = 0

    def progress(self, key: ExperimentKey, plan: Plan) -> dict[str, StudyProgress]:
        self.queries += 1
        raise StudyUnavailable("study database: connection refused")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with a frozen plan."""
    root = FileStore.at(tmp_path)
    root.below(KEY.prefix).put(ObjectKey.PLAN, PLAN.to_json().encode())
    return root


def prepare(store: Store) -> None:
    store.below(KEY.prefix).put(ObjectKey.PREPARED, make_prepared_data().to_json().encode())


def freeze(store: Store, *variants: str) -> None:
    for name in variants:
        record = make_study_record(name, [make_trial_record()])
        store.below(KEY.prefix).put(ObjectKey.study(name), record.to_json().encode())


def observe(store: Store, database: StudyDatabase, status: ExperimentStatus | None = None) -> Facts:
    experiment = EXPERIMENT.model_copy(update={"status": status})
    return Observer(store, database, KEY).facts(experiment, {}, datetime.fromisoformat(NOW))


def test_the_database_is_not_asked_while_the_data_are_prepared(store: Store) -> None:
    database = UnavailableDatabase()
    assert observe(store, database).prepared is None
    assert database.queries == 0


def test_the_database_is_asked_while_a_study_is_in_progress(store: Store) -> None:
    prepare(store)
    freeze(store, PLAN.names[0])
    with pytest.raises(StudyUnavailable):
        observe(store, UnavailableDatabase())


def test_a_new_observer_needs_no_database_once_every_study_is_frozen(store: Store) -> None:
    prepare(store)
    freeze(store, *PLAN.names)
    models = tuple(ModelStatus(name=name, search_digest="sha256:0") for name in PLAN.names)
    database = UnavailableDatabase()
    facts = observe(store, database, ExperimentStatus(stage="Evaluating", models=models))
    assert facts.all_studies_frozen
    assert database.queries == 0


def test_an_outage_after_the_last_study_is_frozen_does_not_matter_although_the_status_does_not_say_so(
    store: Store,
) -> None:
    prepare(store)
    freeze(store, *PLAN.names)
    assert observe(store, UnavailableDatabase()).all_studies_frozen
