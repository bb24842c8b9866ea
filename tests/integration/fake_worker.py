"""Replaces trainer and report in engine tests: real processes, real study, real store, no training.

It appends one line for each completed unit of work to the file FAKE_JOURNAL, so that tests can count the work.
FAKE_PAUSE: seconds per unit of work. FAKE_EXIT: `command=code` ends that command at once with a message; with
`command=code*N` only its first N processes.
FAKE_TRIALS: a reason with which every trial fails.
"""

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.job_indexes import parse_indexes
from ctrlab_api.names import ExitCode, ObjectKey, RunFile, Variable
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.records import PreparedData, SplitSummary, TestOpening
from ctrlab_store import Store, open_store


class FakeWorkerStopped(Exception):
    """The worker was asked to stop."""


STOP = threading.Event()


def preload() -> None:
    """Import what only some commands need, for a process that forks many fake workers."""
    import ctrlab_study  # noqa: F401

    open_store("s3://none/none", {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"})


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("--store", required=True)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--variant")
    parser.add_argument("--seed-count", type=int)
    parser.add_argument("--first-index", type=int, default=0)
    parser.add_argument("--indexes", type=lambda text: sorted(parse_indexes(text)))
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: STOP.set())
    journal("start", arguments.command)
    command, _, code = os.environ.get("FAKE_EXIT", "").partition("=")
    code, _, times = code.partition("*")
    if arguments.command == command and (not times or count("start", command) <= int(times)):
        Path(os.environ[Variable.TERMINATION_LOG]).write_text("it was told to fail\n")
        return int(code)
    key = ExperimentKey.parse(arguments.experiment)
    root = open_store(arguments.store)
    folder = root.below(key.prefix)
    plan = Plan.model_validate_json(folder.get(ObjectKey.PLAN))
    try:
        match arguments.command:
            case "prepare":
                prepare(folder)
            case "tune":
                tune(folder, key, plan, arguments.variant)
            case "evaluate":
                evaluate(folder, plan, arguments.seed_count, arguments.first_index, arguments.indexes)
            case "make":
                pause()
                inputs = [*folder.list(ObjectKey.RETRIES), *folder.list("runs/")]
                folder.replace(ObjectKey.LATEST_REPORT, f"report/{len(inputs)}/".encode())
                journal("done", "make")
    except FakeWorkerStopped:
        return ExitCode.TERMINATED
    return ExitCode.SUCCESS


def prepare(folder: Store) -> None:
    pause()
    split = SplitSummary(rows=1, positives=1, row_ids_digest="sha256:0", files={})
    prepared = PreparedData(
        digest="sha256:da7a",
        encoder_version="1",
        sources=(),
        train=split,
        valid=split,
        test=split,
        vocabulary={},
        vocabulary_digest="sha256:0",
        embedding_rows=1,
    )
    folder.put(ObjectKey.PREPARED, prepared.to_json().encode())
    journal("done", "prepare")


def tune(folder: Store, key: ExperimentKey, plan: Plan, variant: str) -> None:
    # Optuna takes a second to import, and most of these processes do not need it.
    from ctrlab_study import LeasedTrial, StudyDatabase, TrialFailed, run_trials
    from ctrlab_study import WorkerInterrupted as Stopped

    def objective(trial: LeasedTrial) -> float:
        pause()
        if "FAKE_TRIALS" in os.environ:
            raise TrialFailed(os.environ["FAKE_TRIALS"])
        journal("trial", f"{variant} {trial.slot}")
        return 0.5 + trial.slot / 1000

    study = StudyDatabase(os.environ[Variable.DATABASE_URL]).study(key, plan, variant)
    try:
        run_trials(study, os.environ[Variable.WORKER], objective, stop=stopping, poll=0.05)
    except Stopped as stopped:
        raise FakeWorkerStopped from stopped
    folder.put(ObjectKey.study(variant), study.freeze("sha256:da7a").to_json().encode())


def evaluate(folder: Store, plan: Plan, seed_count: int | None, first: int, indexes: list[int] | None) -> None:
    position = int(os.environ["JOB_COMPLETION_INDEX"])
    for run in plan.run_groups(seed_count)[first + (position if indexes is None else indexes[position])]:
        if not any(key.endswith(f"/{RunFile.RECORD}") for key in folder.list(f"runs/{run.variant}/{run.seed}/")):
            make(folder, plan, run)


def make(folder: Store, plan: Plan, run: FinalRun) -> None:
    attempts = {key.split("/")[3] for key in folder.list(f"runs/{run.variant}/{run.seed}/")}
    opening = TestOpening(
        at="2026-01-01T00:00:00Z", by="fake", plan_digest=plan.digest, token="t", attempt=len(attempts), reason="first"
    )
    folder.put(ObjectKey.run(run.variant, run.seed, len(attempts), RunFile.OPENING), opening.to_json().encode())
    pause()
    folder.put(ObjectKey.run(run.variant, run.seed, len(attempts), RunFile.RECORD), b"{}")
    journal("run", f"{run.variant} {run.seed}")


def pause() -> None:
    deadline = time.monotonic() + float(os.environ.get("FAKE_PAUSE", "0.02"))
    while time.monotonic() < deadline:
        if stopping():
            raise FakeWorkerStopped("asked to stop")
        time.sleep(0.005)


def stopping() -> bool:
    return STOP.is_set() or str(os.getppid()) != os.environ[Variable.PARENT_PID]


def journal(kind: str, item: str) -> None:
    with Path(os.environ["FAKE_JOURNAL"]).open("a") as file:
        file.write(f"{kind} {item}\n")


def count(kind: str, item: str) -> int:
    return Path(os.environ["FAKE_JOURNAL"]).read_text().splitlines().count(f"{kind} {item}")


if __name__ == "__main__":
    sys.exit(main())
