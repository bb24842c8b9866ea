"""A worker that fails prints its message and writes it where Kubernetes reads it."""

from pathlib import Path

import pytest

from ctrlab_api.errors import FinalRunFailed, InvalidData
from ctrlab_api.names import ExitCode
from ctrlab_api.process_failures import classify_failure, report_failure
from ctrlab_store import StoreError
from ctrlab_trainer.finals.seal import SealError
from ctrlab_trainer.process.failures import classify


@pytest.mark.parametrize(
    "error", [StoreError("s3://bucket: no route to host"), SealError("out of memory"), ValueError("unexpected")]
)
def test_the_trainer_classifies_errors_like_every_other_program(error: Exception) -> None:
    assert classify(error) == classify_failure(error)


def test_an_unexpected_error_is_retried_and_printed_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "termination-log"
    monkeypatch.setenv("CTRLAB_TERMINATION_LOG", str(log))
    assert report_failure(KeyError("heads")) == ExitCode.RETRY
    assert log.read_text() == "unexpected KeyError: 'heads'\n"
    assert "KeyError: 'heads'" in capsys.readouterr().err


def test_several_problems_are_one_line_in_the_termination_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "termination-log"
    monkeypatch.setenv("CTRLAB_TERMINATION_LOG", str(log))
    first, second = InvalidData.at("row 1", "is empty"), InvalidData.at("row 2", "is empty")
    assert report_failure(InvalidData([*first.problems, *second.problems])) == ExitCode.BAD_SPEC_OR_DATA
    assert log.read_text() == "row 1: is empty; row 2: is empty\n"
    assert capsys.readouterr().err == "error: row 1: is empty\nerror: row 2: is empty\n"


def test_a_termination_log_that_cannot_be_written_does_not_hide_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CTRLAB_TERMINATION_LOG", str(tmp_path))
    assert report_failure(FinalRunFailed("diverged")) == ExitCode.RUN_FAILED
    assert capsys.readouterr().err == f"error: diverged\nerror: {tmp_path} cannot be written: Is a directory\n"
