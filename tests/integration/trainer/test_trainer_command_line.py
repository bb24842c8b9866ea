"""Worker processes as the backends start them: exit codes, messages, signals, and equal bits in two processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import PreparedData, RunEnd
from ctrlab_store import Store
from ctrlab_study import untuned_record


class Prepared(Protocol):
    """The type of the fixture `prepared`."""

    store: Store
    key: ExperimentKey
    plan: Plan

    @property
    def folder(self) -> Store: ...

    def freeze(self, *names: str) -> str: ...


def environment(termination_log: Path, **variables: str) -> dict[str, str]:
    return {**os.environ, "CTRLAB_TERMINATION_LOG": str(termination_log), "OMP_NUM_THREADS": "1", **variables}


def worker(
    prepared: Prepared, termination_log: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    location = ("--store", prepared.store.uri, "--experiment", prepared.key.prefix)
    return subprocess.run(
        [sys.executable, "-m", "ctrlab_trainer", *arguments, *location],
        env=environment(termination_log, **variables),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("variant", ["DeepFM", "SIN"])
def test_two_processes_give_bit_equal_predictions(prepared: Prepared, tmp_path: Path, variant: str) -> None:
    prepared.freeze()
    experiment_folder = prepared.folder
    arguments = ("evaluate", "--variant", variant, "--seed", "12")
    predictions = []
    for _ in range(2):
        process = worker(prepared, tmp_path / "termination-log", *arguments)
        assert process.returncode == ExitCode.SUCCESS, process.stderr
        predictions.append(experiment_folder.get(f"runs/{variant}/12/1/predictions.parquet"))
        folder = Path(prepared.store.uri.removeprefix("file://")) / prepared.key.prefix / "runs" / variant
        folder.rename(tmp_path / f"{variant}-{len(predictions)}")
    assert predictions[0] == predictions[1]


def test_a_worker_without_a_variant_trains_the_run_of_its_index(prepared: Prepared, tmp_path: Path) -> None:
    prepared.freeze()
    process = worker(prepared, tmp_path / "termination-log", "evaluate", "--first-index", "3", JOB_COMPLETION_INDEX="1")
    assert process.returncode == ExitCode.SUCCESS, process.stderr
    assert process.stdout == "SIN, seed 11, attempt 1: Succeeded\n"


def test_preparing_does_not_import_torch(prepared: Prepared, tmp_path: Path) -> None:
    code = "import sys; from ctrlab_trainer.cli import main; main(); sys.exit('torch' in sys.modules)"
    arguments = ("prepare", "--store", prepared.store.uri, "--experiment", prepared.key.prefix)
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment(tmp_path / "termination-log"), check=False
    )
    assert process.returncode == 0


CASES = {
    "unknown variant": (
        ("evaluate", "--variant", "FM", "--seed", "10"),
        {},
        ExitCode.BAD_SPEC_OR_DATA,
        "--variant: the plan has no variant 'FM'; known: DeepFM, SIN, Wild",
    ),
    "unknown seed": (
        ("evaluate", "--variant", "SIN", "--seed", "99"),
        {},
        ExitCode.BAD_SPEC_OR_DATA,
        "--seed: the plan has no seed 99",
    ),
    "index too high": (
        ("evaluate",),
        {"JOB_COMPLETION_INDEX": "15"},
        ExitCode.BAD_SPEC_OR_DATA,
        "JOB_COMPLETION_INDEX: the plan has 15 final runs, there is no index 15",
    ),
    "no index": (
        ("evaluate",),
        {"JOB_COMPLETION_INDEX": ""},
        ExitCode.BAD_SPEC_OR_DATA,
        "evaluate: give --variant and --seed, or set JOB_COMPLETION_INDEX to a number, not ''",
    ),
    "not frozen": (
        ("evaluate", "--variant", "SIN", "--seed", "10"),
        {},
        ExitCode.RUN_FAILED,
        "the test set is sealed until every study is frozen; still open: DeepFM, SIN, Wild. "
        "Finish tuning first (studies/DeepFM.json must exist)",
    ),
    "no database": (
        ("tune", "--variant", "SIN"),
        {"CTRLAB_DATABASE_URL": ""},
        ExitCode.BAD_SPEC_OR_DATA,
        "CTRLAB_DATABASE_URL: tuning needs the URL of the study database",
    ),
    "bad threads": (
        ("calibrate",),
        {"CTRLAB_THREADS": "many"},
        ExitCode.BAD_SPEC_OR_DATA,
        "CTRLAB_THREADS: a number of threads of at least 1, not 'many'",
    ),
    "bad device": (
        ("calibrate",),
        {"CTRLAB_DEVICE": "tpu"},
        ExitCode.BAD_SPEC_OR_DATA,
        "CTRLAB_DEVICE: auto, cpu or cuda, not 'tpu'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_failure_is_one_message_on_stderr_and_in_the_termination_log(
    prepared: Prepared, tmp_path: Path, case: str
) -> None:
    arguments, variables, code, message = CASES[case]
    process = worker(prepared, tmp_path / "termination-log", *arguments, **variables)
    assert process.returncode == code
    assert process.stderr == f"error: {message}\n"
    assert (tmp_path / "termination-log").read_text() == f"{message}\n"


def test_a_store_without_the_experiment_may_be_retried(prepared: Prepared, tmp_path: Path) -> None:
    location = ("--store", tmp_path.as_uri(), "--experiment", "a/b/c")
    process = subprocess.run(
        [sys.executable, "-m", "ctrlab_trainer", "prepare", *location],
        env=environment(tmp_path / "termination-log"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert "there is no object 'plan.json'" in (tmp_path / "termination-log").read_text()
    assert "Traceback" not in process.stderr


def start_endless_run(prepared: Prepared, termination_log: Path, **variables: str) -> subprocess.Popen[bytes]:
    """Start a run that would take hours; it prints a line for each training step."""
    plan = prepared.plan
    long_variant = plan.variant("DeepFM").model_copy(
        update={"parameters": {"epochs": 1000, "patience": 1000, "batch_size": 1, "hidden_units": "8"}}
    )
    long_plan = plan.model_copy(update={"variants": (long_variant,)})
    key = prepared.key.model_copy(update={"uid": "endless"})
    folder = prepared.store.below(key.prefix)
    folder.put(ObjectKey.PLAN, long_plan.to_json().encode())
    folder.put(ObjectKey.PREPARED, prepared.folder.get(ObjectKey.PREPARED))
    location = ("--store", prepared.store.uri, "--experiment", key.prefix)
    code = (
        "import sys; from ctrlab_trainer import cli; from ctrlab_trainer.training import loop\n"
        "step = loop.training_step\n"
        "def print_and_step(*a): print('training', flush=True); return step(*a)\n"
        "loop.training_step = print_and_step; sys.exit(cli.main())"
    )
    data = PreparedData.model_validate_json(prepared.folder.get(ObjectKey.PREPARED))
    record = untuned_record(long_plan, "DeepFM", data.digest)
    folder.put(ObjectKey.study("DeepFM"), record.to_json().encode())
    arguments = ("evaluate", "--variant", "DeepFM", "--seed", "10")
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments, *location],
        env=environment(termination_log, **variables),
        stdout=subprocess.PIPE,
    )


def test_sigterm_ends_a_run_with_143_and_logs_only_its_reason(prepared: Prepared, tmp_path: Path) -> None:
    with start_endless_run(prepared, tmp_path / "termination-log") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"training\n"
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait() == ExitCode.TERMINATED
    key = prepared.key.model_copy(update={"uid": "endless"})
    folder = prepared.store.below(key.prefix)
    end = ObjectKey.starts("DeepFM", 10, "1-end.json")
    assert sorted(folder.list("runs/")) == sorted([ObjectKey.starts("DeepFM", 10, "1.json"), end])
    assert RunEnd.model_validate_json(folder.get(end)).how == "terminated"


def test_a_killed_run_leaves_only_its_start_log(prepared: Prepared, tmp_path: Path) -> None:
    with start_endless_run(prepared, tmp_path / "termination-log") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"training\n"
        process.kill()
        process.stdout.read()
    folder = prepared.store.below(prepared.key.model_copy(update={"uid": "endless"}).prefix)
    assert folder.list("runs/") == [ObjectKey.starts("DeepFM", 10, "1.json")]


def test_a_worker_without_its_parent_ends_itself(prepared: Prepared, tmp_path: Path) -> None:
    with start_endless_run(prepared, tmp_path / "termination-log", CTRLAB_PARENT_PID="1") as process:
        assert process.stdout is not None
        process.stdout.read()
        assert process.wait() == ExitCode.TERMINATED
