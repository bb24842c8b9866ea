"""A published report is computed again from the raw predictions, and every changed number or byte is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from ctrlab_api.canonical_json import digest
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_report.cli import main


def make_and_find(experiment: Any) -> Path:
    assert main(["make", "--store", experiment.uri, "--experiment", experiment.argument]) == ExitCode.SUCCESS
    folder: Path = experiment.path / experiment.folder.get(ObjectKey.LATEST_REPORT).decode()
    return folder


def verify(experiment: Any) -> int:
    return main(["verify", "--store", experiment.uri, "--experiment", experiment.argument])


def test_an_untouched_report_is_equal_byte_by_byte(experiment: Any, capsys: pytest.CaptureFixture[str]) -> None:
    make_and_find(experiment)
    assert verify(experiment) == ExitCode.SUCCESS
    assert "files byte by byte" in capsys.readouterr().out


def test_a_changed_number_is_named_with_both_values(experiment: Any, capsys: pytest.CaptureFixture[str]) -> None:
    target = make_and_find(experiment) / "summary.json"
    summary = json.loads(target.read_text())
    true = summary["comparisons"][0]["difference"]
    summary["comparisons"][0]["difference"] = 0.25
    target.write_text(json.dumps(summary))
    assert verify(experiment) == ExitCode.RUN_FAILED
    said = capsys.readouterr().out
    assert "summary.json: was changed after publishing" in said
    assert f"comparisons[0].difference: 0.25 published, {true!r} computed" in said


def test_another_version_is_held_to_the_numbers_and_not_to_the_words(
    experiment: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_and_find(experiment)
    summary = json.loads((folder / "summary.json").read_text())
    summary["versions"]["ctrlab"] = "0.0.9"
    summary["answers"] = ["worded otherwise", *summary["answers"][1:]]
    (folder / "summary.json").write_text(json.dumps(summary))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["summary.json"]["sha256"] = digest((folder / "summary.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert verify(experiment) == ExitCode.SUCCESS
    assert "ctrlab 0.0.9 then" in capsys.readouterr().out


def test_without_a_report_there_is_nothing_to_verify(experiment: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(experiment) == ExitCode.BAD_SPEC_OR_DATA
    assert "has no published report to verify" in capsys.readouterr().err
