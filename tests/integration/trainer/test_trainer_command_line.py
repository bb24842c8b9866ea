"""Worker processes as the engine starts them: exit codes, last words, signals, and equal bits in two processes."""

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
    """What the fixture `prepared` gives."""

    store: Store
    key: ExperimentKey
    plan: Plan

    @property
    def folder(self) -> Store: ...

    def freeze(self, *names: str) -> str: ...


def environment(said: Path, **others: str) -> dict[str, str]:
    return {**os.environ, "CTRLAB_TERMINATION_LOG": str(said), "OMP_NUM_THREADS": "1", **others}


def worker(given: Prepared, said: Path, *arguments: str, **others: str) -> subprocess.CompletedProcess[str]:
    place = ("--store", given.store.uri, "--experiment", given.key.prefix)
    return subprocess.run(
        [sys.executable, "-m", "ctrlab_trainer", *arguments, *place],
        env=environment(said, **others),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("variant", ["DeepFM", "SIN"])
def test_two_processes_give_bit_equal_predictions(prepared: Prepared, tmp_path: Path, variant: str) -> None:
    prepared.freeze()
    key = prepared.folder
    arguments = ("evaluate", "--variant", variant, "--seed", "12")
    found = []
    for _ in range(2):
        done = worker(prepared, tmp_path / "said", *arguments)
        assert done.returncode == ExitCode.SUCCESS, done.stderr
        found.append(key.get(f"runs/{variant}/12/1/predictions.parquet"))
        folder = Path(prepared.store.uri.removeprefix("file://")) / prepared.key.prefix / "runs" / variant
        folder.rename(tmp_path / f"{variant}-{len(found)}")
    assert found[0] == found[1]


def test_a_worker_without_variant_makes_the_run_of_its_index(prepared: Prepared, tmp_path: Path) -> None:
    prepared.freeze()
    done = worker(prepared, tmp_path / "said", "evaluate", "--first-index", "3", JOB_COMPLETION_INDEX="1")
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    assert done.stdout == "SIN, seed 11, attempt 1: Succeeded\n"


def test_preparing_does_not_import_torch(prepared: Prepared, tmp_path: Path) -> None:
    code = "import sys; from ctrlab_trainer.cli import main; main(); sys.exit('torch' in sys.modules)"
    arguments = ("prepare", "--store", prepared.store.uri, "--experiment", prepared.key.prefix)
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment(tmp_path / "said"), check=False)
    assert done.returncode == 0


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
    done = worker(prepared, tmp_path / "said", *arguments, **variables)
    assert done.returncode == code
    assert done.stderr == f"error: {message}\n"
    assert (tmp_path / "said").read_text() == f"{message}\n"


def test_a_store_without_the_experiment_may_be_tried_again(prepared: Prepared, tmp_path: Path) -> None:
    place = ("--store", tmp_path.as_uri(), "--experiment", "a/b/c")
    done = subprocess.run(
        [sys.executable, "-m", "ctrlab_trainer", "prepare", *place],
        env=environment(tmp_path / "said"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there is no object 'plan.json'" in (tmp_path / "said").read_text()
    assert "Traceback" not in done.stderr


def endless(given: Prepared, said: Path, **others: str) -> subprocess.Popen[bytes]:
    """A run that would take hours; it prints a line for each step of its training."""
    plan = given.plan
    longer = plan.variant("DeepFM").model_copy(
        update={"parameters": {"epochs": 1000, "patience": 1000, "batch_size": 1, "hidden_units": "8"}}
    )
    long_plan = plan.model_copy(update={"variants": (longer,)})
    key = given.key.model_copy(update={"uid": "endless"})
    folder = given.store.below(key.prefix)
    folder.put(ObjectKey.PLAN, long_plan.to_json().encode())
    folder.put(ObjectKey.PREPARED, given.folder.get(ObjectKey.PREPARED))
    place = ("--store", given.store.uri, "--experiment", key.prefix)
    code = (
        "import sys; from ctrlab_trainer import cli; from ctrlab_trainer.training import loop\n"
        "step = loop.training_step\n"
        "def told(*a): print('training', flush=True); return step(*a)\n"
        "loop.training_step = told; sys.exit(cli.main())"
    )
    prepared = PreparedData.model_validate_json(given.folder.get(ObjectKey.PREPARED))
    record = untuned_record(long_plan, "DeepFM", prepared.digest)
    folder.put(ObjectKey.study("DeepFM"), record.to_json().encode())
    arguments = ("evaluate", "--variant", "DeepFM", "--seed", "10")
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, *place], env=environment(said, **others), stdout=subprocess.PIPE
    )
    return process


def test_sigterm_ends_a_run_with_143_and_leaves_nothing_but_its_reason(prepared: Prepared, tmp_path: Path) -> None:
    with endless(prepared, tmp_path / "said") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"training\n"
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait() == ExitCode.TERMINATED
    key = prepared.key.model_copy(update={"uid": "endless"})
    folder = prepared.store.below(key.prefix)
    last = ObjectKey.starts("DeepFM", 10, "1-end.json")
    assert sorted(folder.list("runs/")) == sorted([ObjectKey.starts("DeepFM", 10, "1.json"), last])
    assert RunEnd.model_validate_json(folder.get(last)).how == "terminated"


def test_a_run_that_is_killed_leaves_the_log_of_its_start_alone(prepared: Prepared, tmp_path: Path) -> None:
    with endless(prepared, tmp_path / "said") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"training\n"
        process.kill()
        process.stdout.read()
    folder = prepared.store.below(prepared.key.model_copy(update={"uid": "endless"}).prefix)
    assert folder.list("runs/") == [ObjectKey.starts("DeepFM", 10, "1.json")]


def test_a_worker_whose_parent_is_gone_ends_itself(prepared: Prepared, tmp_path: Path) -> None:
    with endless(prepared, tmp_path / "said", CTRLAB_PARENT_PID="1") as process:
        assert process.stdout is not None
        process.stdout.read()
        assert process.wait() == ExitCode.TERMINATED
