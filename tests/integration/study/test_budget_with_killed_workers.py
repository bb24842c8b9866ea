"""Real processes: every slot is done in the end, whichever worker is killed, and every other trial has a reason."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_study import StudyDatabase

SCRIPT = Path(__file__).with_name("study_worker.py")
BUDGET = 8


class Workers:
    """Starts worker processes for one study."""

    def __init__(self, url: str, key: ExperimentKey, plan: Plan, folder: Path) -> None:
        self.folder = folder
        self.plan = folder / "plan.json"
        self.plan.write_text(plan.to_json())
        self.arguments = [url, key.model_dump_json(), str(self.plan)]

    def start(self, worker: str, *, hang: bool = False) -> subprocess.Popen[bytes]:
        started = [str(self.folder / f"{worker}.started")] if hang else []
        return subprocess.Popen([sys.executable, str(SCRIPT), *self.arguments, worker, *started])

    def wait_for_trial(self, worker: str) -> None:
        wait_for((self.folder / f"{worker}.started").exists, f"{worker} never started a trial")


def wait_for(condition: Callable[[], bool], message: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)


def test_a_killed_worker_does_not_reduce_the_budget(
    database_url: str,
    studies: StudyDatabase,
    key: ExperimentKey,
    make_plan: Callable[..., Plan],
    tmp_path: Path,
) -> None:
    plan = make_plan(trials=BUDGET)
    workers = Workers(database_url, key, plan, tmp_path)
    victim = workers.start("victim", hang=True)
    workers.wait_for_trial("victim")
    others = [workers.start(f"worker-{index}") for index in range(3)]
    wait_for(lambda: studies.progress(key, plan)["M"].done > 0, "no worker finished a trial")
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert [process.wait(timeout=120) for process in others] == [0, 0, 0]

    record = studies.study(key, plan, "M").freeze("sha256:data")
    counted = [trial for trial in record.trials if trial.counted]
    extra = [trial for trial in record.trials if not trial.counted]
    assert sorted(trial.slot or 0 for trial in counted) == list(range(BUDGET))
    assert {trial.state for trial in counted} == {"COMPLETE"}
    # On a busy machine a living worker may lose a lease as well; that trial has a reason, too.
    assert "victim" in {trial.worker for trial in extra}
    assert {trial.state for trial in extra} == {"FAIL"}
    assert {trial.reason for trial in extra} <= {
        "its worker stopped renewing its lease",
        "its worker's lease was lost before the trial began",
    }
    assert studies.progress(key, plan)["M"].lost == len(extra)


def test_a_study_continues_after_every_worker_was_killed(
    database_url: str,
    studies: StudyDatabase,
    key: ExperimentKey,
    make_plan: Callable[..., Plan],
    tmp_path: Path,
) -> None:
    plan = make_plan(trials=BUDGET)
    workers = Workers(database_url, key, plan, tmp_path)
    victims = [workers.start(f"victim-{index}", hang=True) for index in range(2)]
    for index, process in enumerate(victims):
        workers.wait_for_trial(f"victim-{index}")
        process.send_signal(signal.SIGKILL)
        process.wait()

    # The caller knows that they are gone, so nothing waits for their leases.
    assert studies.release_lost_workers(key, is_alive=lambda worker: not worker.startswith("victim")) == 2
    assert studies.progress(key, plan)["M"].leased == 0
    assert workers.start("second").wait(timeout=120) == 0

    record = studies.study(key, plan, "M").freeze("sha256:data")
    assert sum(trial.counted for trial in record.trials) == BUDGET
    lost = [trial for trial in record.trials if not trial.counted]
    assert sorted(trial.worker for trial in lost) == ["victim-0", "victim-1"]
    assert all("is gone" in (trial.reason or "") for trial in lost)
