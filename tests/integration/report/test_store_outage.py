"""An artifact store that does not answer ends a worker with the exit code that never counts, in every phase."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from builders.finished_experiment import ExperimentWriter

from ctrlab.local.indexed_job import LocalJob
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_control.planner import JobRequest
from ctrlab_store import open_store

COMMANDS = {
    "prepare": ("ctrlab_trainer", "prepare"),
    "evaluate": ("ctrlab_trainer", "evaluate", "--variant", "SIN", "--seed", "2024"),
    "decide-seeds": ("ctrlab_report", "decide-seeds"),
    "make": ("ctrlab_report", "make"),
    "verify": ("ctrlab_report", "verify"),
}


@pytest.fixture
def closed_endpoint() -> str:
    """The URL of an S3 endpoint that refuses connections."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


@pytest.fixture
def termination_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that receives the last message of the processes that a test starts."""
    path = tmp_path / "termination-log"
    monkeypatch.setenv("CTRLAB_TERMINATION_LOG", str(path))
    return path


def run_worker(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m PROGRAM` to its end."""
    return subprocess.run(
        [sys.executable, "-m", program, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_does_not_answer_never_counts_against_the_phase(
    command: str, closed_endpoint: str, s3_prefix: str, termination_log: Path
) -> None:
    worker = run_worker(
        *COMMANDS[command],
        *("--store", s3_prefix, "--experiment", "default/movies/0a1b2c"),
        AWS_ENDPOINT_URL=closed_endpoint,
        AWS_MAX_ATTEMPTS="1",
        CTRLAB_OUTAGE_SECONDS="0.3",
    )
    assert worker.returncode == ExitCode.UNAVAILABLE, worker.stderr
    assert "Traceback" not in worker.stderr
    message = termination_log.read_text()
    assert message.startswith(f"{s3_prefix}/default/movies/0a1b2c")
    assert closed_endpoint in message
    assert ("(unavailable since 2" in message) == (command != "verify"), (
        "a user waits for verify, and no job retries it"
    )
    assert worker.stderr == f"error: {message}"


def test_a_report_is_written_when_the_store_answers_again(
    written: ExperimentWriter, closed_endpoint: str, s3_prefix: str, termination_log: Path
) -> None:
    experiment = written(rows=300, metrics=("auc",))
    folder = open_store(s3_prefix).below(experiment.key.prefix)
    for key in experiment.folder.list(""):
        folder.put(key, experiment.folder.get(key))
    arguments = ("ctrlab_report", "make", "--store", s3_prefix, "--experiment", experiment.argument)
    job = LocalJob.create(
        JobRequest(name="report", phase="report", program="report", arguments=("make",), completions=1, parallelism=1)
    )
    index = job.start()
    during = run_worker(*arguments, AWS_ENDPOINT_URL=closed_endpoint, AWS_MAX_ATTEMPTS="1", CTRLAB_OUTAGE_SECONDS="0")
    job.end(index, during.returncode, termination_log.read_text())
    assert not folder.exists(ObjectKey.LATEST_REPORT)
    assert job.can_start()
    after = run_worker(*arguments)
    job.end(job.start(), after.returncode, "")
    assert job.facts(0.0).state == "Complete", after.stderr
    assert folder.exists(ObjectKey.LATEST_REPORT)
