"""The local engine with real processes, database and store; a fake worker replaces the training."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from builders import FM, make_small_experiment

from ctrlab.local import resource_files
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import Lineage, RetryRecord
from ctrlab_api.resources.experiment import Experiment
from ctrlab_study import StudyDatabase

FAKE = Path(__file__).parents[1] / "fake_worker.py"

ENGINE = """
import sys
from pathlib import Path
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.errors import InvalidInput
from ctrlab.local import indexed_job
from ctrlab.local.engine import Engine
from ctrlab.local.errors import RunInterrupted
from ctrlab.local.progress_view import ProgressLines
from ctrlab.local.workspace import Workspace

indexed_job.FIRST_DELAY_SECONDS = indexed_job.MAX_DELAY_SECONDS = 0.05
fake, workspace, manifest = sys.argv[1:]
experiment = Experiment.model_validate_json(Path(manifest).read_text())
programs = {"trainer": (sys.executable, fake), "report": (sys.executable, fake)}
try:
    status = Engine(Workspace.open(Path(workspace)), experiment, 3, ProgressLines("study", sys.stderr), programs).run()
except RunInterrupted:
    sys.exit(130)
except InvalidInput as error:
    sys.exit(str(error))
failed = [c for c in status.conditions if c.type == "Failed" and c.status == "True"]
print(status.stage, *(c.message for c in failed))
"""


PLAIN_RUNS = {"seeds": {"count": 5}}
"""One process for each of five final runs."""


def fm_experiment(**changes: Any) -> Experiment:
    """Return an experiment with one model, whose final runs are made by a single process, which is faster."""
    return make_small_experiment(**{"models": [FM], "evaluation": {**PLAIN_RUNS, "seedsPerPod": 5}, **changes})


def interrupted_experiment(moment: str) -> Experiment:
    """Return the experiment that a test interrupts; its final runs have separate processes if it interrupts those."""
    return fm_experiment(evaluation=PLAIN_RUNS) if moment in ("run ", "start evaluate") else fm_experiment()


@dataclass
class EngineRig:
    """A workspace and the engines that a test starts in it."""

    folder: Path
    pause: float = 0.05
    exits: str = ""
    engines: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder / "workspace")

    @property
    def journal(self) -> list[str]:
        path = self.folder / "journal"
        return path.read_text().splitlines() if path.exists() else []

    def start(self, experiment: Experiment) -> subprocess.Popen[str]:
        file = self.folder / "experiment.json"
        file.write_text(experiment.to_json())
        environment = {
            **os.environ,
            "FAKE_JOURNAL": str(self.folder / "journal"),
            "FAKE_PAUSE": str(self.pause),
            "FAKE_EXIT": self.exits,
        }
        engine = subprocess.Popen(
            [sys.executable, "-c", ENGINE, str(FAKE), str(self.workspace.root), str(file)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.engines.append(engine)
        return engine

    def finish(self, experiment: Experiment) -> str:
        """Run an engine to its end; return its output, or its errors if there is none."""
        out, err = self.start(experiment).communicate(timeout=60)
        return (out or err).strip()

    def await_line(self, pattern: str, engine: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + 30
        while not any(re.match(pattern, line) for line in self.journal):
            assert engine.poll() is None, engine.communicate()
            assert time.monotonic() < deadline, self.journal
            time.sleep(0.01)

    def workers(self, engine: int) -> list[int]:
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(engine)], capture_output=True, text=True, check=False
        )
        return [int(line) for line in listed.stdout.split()]

    def assert_all_work_was_done_once(self, experiment: Experiment) -> None:
        plan = Plan.from_experiment(experiment)
        key = ExperimentKey.for_local_run(experiment.metadata, plan.digest)
        runs = Counter(line for line in self.journal if line.startswith("run "))
        assert runs == Counter(f"run {run.variant} {run.seed}" for run in plan.final_runs())
        assert sum(line == "done prepare" for line in self.journal) == 1
        database = StudyDatabase(self.workspace.database_url)
        progress = database.progress(key, plan)
        database.dispose()
        assert {name: (study.done, study.failed, study.leased) for name, study in progress.items()} == {
            name: (plan.trial_budget(name), 0, 0) for name in plan.names
        }


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[EngineRig]:
    created = EngineRig(tmp_path)
    yield created
    for engine in created.engines:
        if engine.poll() is None:
            engine.kill()
        engine.communicate()


def test_experiment_succeeds(rig: EngineRig) -> None:
    experiment = make_small_experiment()
    assert rig.finish(experiment) == "Succeeded"
    rig.assert_all_work_was_done_once(experiment)
    saved = resource_files.find(rig.workspace, "study")
    assert saved.status is not None
    assert (saved.status.trials, saved.status.seeds) == ("8/8", "5/5")
    assert (
        saved.metadata.uid
        == ExperimentKey.for_local_run(experiment.metadata, Plan.from_experiment(experiment).digest).uid
    )


def test_second_run_after_success_does_no_work(rig: EngineRig) -> None:
    rig.finish(fm_experiment())
    before = rig.journal
    assert rig.finish(fm_experiment()) == "Succeeded"
    assert rig.journal == before


@pytest.mark.parametrize("moment", ["start prepare", "trial FM 3", "run ", "start make"])
def test_killed_engine_resumes_without_losing_or_repeating_work(rig: EngineRig, moment: str) -> None:
    rig.pause = 0.15
    experiment = interrupted_experiment(moment)
    engine = rig.start(experiment)
    rig.await_line(moment, engine)
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    assert rig.finish(experiment) == "Succeeded"
    rig.assert_all_work_was_done_once(experiment)


@pytest.mark.parametrize("moment", ["trial FM 1", "start evaluate"])
def test_killed_worker_is_replaced_and_nothing_counts_twice(rig: EngineRig, moment: str) -> None:
    rig.pause = 0.3
    experiment = interrupted_experiment(moment)
    engine = rig.start(experiment)
    rig.await_line(moment, engine)
    for worker in rig.workers(engine.pid):
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(worker, signal.SIGKILL)
    out, err = engine.communicate(timeout=60)
    assert out.strip() == "Succeeded", err
    rig.assert_all_work_was_done_once(experiment)


@pytest.mark.parametrize("moment", ["start prepare", "trial FM 2", "run "])
def test_ctrl_c_stops_workers_and_the_next_run_resumes(rig: EngineRig, moment: str) -> None:
    rig.pause = 0.15
    experiment = interrupted_experiment(moment)
    engine = rig.start(experiment)
    rig.await_line(moment, engine)
    engine.send_signal(signal.SIGINT)
    _, err = engine.communicate(timeout=30)
    assert engine.returncode == 130, err
    assert "stopping" in err
    assert rig.workers(engine.pid) == []
    assert rig.finish(experiment) == "Succeeded"
    rig.assert_all_work_was_done_once(experiment)


def test_second_engine_is_rejected_while_the_first_is_running(rig: EngineRig) -> None:
    rig.pause = 0.3
    engine = rig.start(fm_experiment())
    rig.await_line("start prepare", engine)
    assert "another ctrlab process is running default/study" in rig.finish(fm_experiment())
    assert engine.communicate(timeout=60)[0].strip() == "Succeeded"


def test_invalid_data_is_not_retried_until_the_next_run(rig: EngineRig) -> None:
    rig.exits = "prepare=42"
    assert rig.finish(fm_experiment()) == "Failed it was told to fail; correct that and start the experiment again"
    assert rig.journal == ["start prepare"]
    rig.exits = ""
    assert rig.finish(fm_experiment()) == "Succeeded"


def test_crashing_worker_is_started_three_times(rig: EngineRig) -> None:
    rig.exits = "prepare=7"
    assert rig.finish(fm_experiment()).startswith("Failed it was told to fail")
    assert rig.journal == ["start prepare"] * 3


def test_failed_runs_are_not_retried_and_fail_the_experiment(rig: EngineRig) -> None:
    rig.exits = "evaluate=43"
    assert "5 of 5 final runs were lost: it was told to fail" in rig.finish(fm_experiment(evaluation=PLAIN_RUNS))
    assert rig.journal.count("start evaluate") == 5


@pytest.mark.parametrize("command", ["prepare=75*4", "tune=75*8", "evaluate=75*16", "make=75*4"])
def test_an_outage_never_counts_against_a_phase(rig: EngineRig, command: str) -> None:
    rig.exits = command
    experiment = fm_experiment()
    assert rig.finish(experiment) == "Succeeded"
    rig.assert_all_work_was_done_once(experiment)


def test_lost_runs_leave_the_experiment_incomplete_and_the_same_command_retries_them_on_record(rig: EngineRig) -> None:
    experiment = fm_experiment(evaluation=PLAIN_RUNS)
    rig.exits = "evaluate=43*2"
    assert rig.finish(experiment) == "Incomplete"
    saved = resource_files.find(rig.workspace, "study")
    assert saved.status is not None
    lost = saved.status.condition("RunsLost")
    assert lost is not None
    assert lost.message.startswith("2 of 5 final runs were lost: FM seed 20")
    assert "it was told to fail" in lost.message
    first = rig.journal

    assert rig.finish(experiment) == "Succeeded"
    rig.assert_all_work_was_done_once(experiment)
    assert rig.journal[len(first) :].count("start evaluate") == 2, "finished runs are not started again"
    key = ExperimentKey.for_local_run(experiment.metadata, Plan.from_experiment(experiment).digest)
    folder = rig.workspace.store.below(key.prefix)
    record = RetryRecord.model_validate_json(folder.get(ObjectKey.retry(1)))
    assert (len(record.runs), record.cause) == (2, f"RunsFailed: {lost.message}")
    assert folder.list("retries/") == ["retries/1.json"]
    assert Lineage.model_validate_json(folder.get(ObjectKey.LINEAGE)).earlier == ()


def test_lineage_names_the_earlier_plan_that_opened_the_test_set(rig: EngineRig) -> None:
    first, second = fm_experiment(), fm_experiment(evaluation={"seeds": {"count": 6}})
    for experiment in (first, second):
        assert rig.finish(experiment) == "Succeeded"
    store = rig.workspace.store
    lineages = {}
    for experiment in (first, second):
        key = ExperimentKey.for_local_run(experiment.metadata, Plan.from_experiment(experiment).digest)
        lineages[key.uid] = Lineage.model_validate_json(store.below(key.prefix).get(ObjectKey.LINEAGE))
    (before, after) = lineages.values()
    assert before.earlier == ()
    (earlier,) = after.earlier
    assert (earlier.plan_digest, earlier.dataset_digest) == (Plan.from_experiment(first).digest, "sha256:da7a")
    assert earlier.openings == 5
    assert store.get(ObjectKey.latest_uid("default", "study")).decode().strip() == list(lineages)[1]


def test_suspended_experiment_starts_nothing_and_can_be_resumed(rig: EngineRig) -> None:
    assert rig.finish(fm_experiment(suspend=True)) == "Suspended"
    assert rig.journal == []
    assert rig.finish(fm_experiment()) == "Succeeded"
