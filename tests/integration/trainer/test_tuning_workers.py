"""Tuning workers as processes with real training: they stop, resume, and freeze the study once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from builders import categorical, dataset_spec, make_plan, make_variant, synthetic_source

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_api.records import StudyRecord
from ctrlab_store import Store, open_store
from ctrlab_study import StudyDatabase
from ctrlab_trainer.data.preparation.dataset_preparation import prepare

KEY = ExperimentKey.parse("default/tuned/0123456789ab")
DATASET = dataset_spec(source=synthetic_source(3000, users=100, items=50), features=categorical("user_id", "item_id"))
LEARNING_RATE = {"learning_rate": {"float": {"low": "1e-3", "high": "1e-1", "log": True}}}
LONG = {"batch_size": 1, "epochs": 1000, "patience": 1000}
"""Parameters of a trial that runs longer than the test."""


class Experiment:
    """A prepared experiment on disk, and its workers."""

    def __init__(self, folder: Path, parameters: dict[str, Any], search: dict[str, Any]) -> None:
        self.store: Store = open_store((folder / "store").as_uri())
        self.database = f"sqlite:///{folder / 'study.db'}"
        self.message = folder / "message"
        self.plan = make_plan(
            make_variant("M", "lr", parameters=parameters, search=search),
            dataset=DATASET,
            tuning={"trials": 3, "sampler": "Random", "maxFailedTrials": 0},
        )
        self.store.below(KEY.prefix).put(ObjectKey.PLAN, self.plan.to_json().encode())
        prepare(self.plan, self.store, KEY)

    def start_worker(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ctrlab_trainer", "tune", "--store", self.store.uri]
        environment = {"CTRLAB_DATABASE_URL": self.database, "CTRLAB_TERMINATION_LOG": str(self.message)}
        return subprocess.Popen(
            [*command, "--experiment", KEY.prefix, "--variant", "M"], env={**os.environ, **environment}
        )

    def frozen_study(self) -> StudyRecord:
        return StudyRecord.model_validate_json(self.store.below(KEY.prefix).get(ObjectKey.study("M")))


def test_a_study_is_frozen_and_a_later_worker_has_nothing_to_do(tmp_path: Path) -> None:
    experiment = Experiment(tmp_path, {"batch_size": 512, "epochs": 2}, LEARNING_RATE)
    assert experiment.start_worker().wait(timeout=120) == ExitCode.SUCCESS
    record = experiment.frozen_study()
    assert [trial.slot for trial in record.trials if trial.counted] == [0, 1, 2]
    assert all(len(trial.curve) <= 2 for trial in record.trials)
    assert {trial.device for trial in record.trials} <= {"cpu", "cuda"}
    assert record.best.value == max(trial.value or 0 for trial in record.trials if trial.state == "COMPLETE")
    (tmp_path / "study.db").unlink()
    assert experiment.start_worker().wait(timeout=120) == ExitCode.SUCCESS
    assert not (tmp_path / "study.db").exists()
    table = experiment.store.below(KEY.prefix).get(ObjectKey.trials_csv("M")).decode()
    assert table.splitlines()[0].endswith("parameter:learning_rate")


def test_a_stopped_worker_releases_its_slot_and_exits_with_143(tmp_path: Path) -> None:
    experiment = Experiment(tmp_path, LONG, LEARNING_RATE)
    worker = experiment.start_worker()
    studies = StudyDatabase(experiment.database)
    studies.create_schema()
    deadline = time.monotonic() + 120
    while studies.progress(KEY, experiment.plan)["M"].leased == 0:
        assert worker.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=120) == ExitCode.TERMINATED
    progress = studies.progress(KEY, experiment.plan)["M"]
    studies.dispose()
    assert (progress.leased, progress.done, progress.lost) == (0, 0, 0)


def test_a_variant_without_a_search_space_is_frozen_without_a_trial(tmp_path: Path) -> None:
    experiment = Experiment(tmp_path, {}, {})
    assert experiment.start_worker().wait(timeout=120) == ExitCode.SUCCESS
    record = experiment.frozen_study()
    assert (record.budget, record.trials, record.best.trial, record.best.parameters) == (0, (), None, {})
    assert not (tmp_path / "study.db").exists()


def test_failing_trials_end_the_study_with_42_and_their_reason(tmp_path: Path) -> None:
    experiment = Experiment(tmp_path, {}, {"learning_rate": {"categorical": ["not a number"]}})
    assert experiment.start_worker().wait(timeout=120) == ExitCode.BAD_SPEC_OR_DATA
    message = experiment.message.read_text()
    assert message.startswith("study of M: 1 of 1 finished trials failed, and tuning.maxFailedTrials is 0")
    assert "not a number" in message
