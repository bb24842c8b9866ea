"""`verify` computes a published report again from the raw predictions and names every changed number or byte."""

import json
from pathlib import Path

import pytest
from builders.finished_experiment import WrittenExperiment

from ctrlab_api.canonical_json import digest
from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_report.cli import main


def make_report(experiment: WrittenExperiment) -> Path:
    """Make the report of an experiment; return its folder."""
    assert main(["make", "--store", experiment.uri, "--experiment", experiment.argument]) == ExitCode.SUCCESS
    folder: Path = experiment.path / experiment.folder.get(ObjectKey.LATEST_REPORT).decode()
    return folder


def verify(experiment: WrittenExperiment) -> int:
    """Return the exit code of `verify`."""
    return main(["verify", "--store", experiment.uri, "--experiment", experiment.argument])


def test_an_unchanged_report_is_equal_byte_by_byte(
    experiment: WrittenExperiment, capsys: pytest.CaptureFixture[str]
) -> None:
    make_report(experiment)
    assert verify(experiment) == ExitCode.SUCCESS
    assert "files byte by byte" in capsys.readouterr().out


def test_a_changed_number_is_named_with_both_values(
    experiment: WrittenExperiment, capsys: pytest.CaptureFixture[str]
) -> None:
    target = make_report(experiment) / "summary.json"
    summary = json.loads(target.read_text())
    computed = summary["comparisons"][0]["difference"]
    summary["comparisons"][0]["difference"] = 0.25
    target.write_text(json.dumps(summary))
    assert verify(experiment) == ExitCode.RUN_FAILED
    output = capsys.readouterr().out
    assert "summary.json: was changed after publishing" in output
    assert f"comparisons[0].difference: 0.25 published, {computed!r} computed" in output


def test_of_a_report_by_another_version_only_numbers_are_compared(
    experiment: WrittenExperiment, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_report(experiment)
    summary = json.loads((folder / "summary.json").read_text())
    summary["versions"]["ctrlab"] = "0.0.9"
    summary["answers"] = ["phrased differently", *summary["answers"][1:]]
    (folder / "summary.json").write_text(json.dumps(summary))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["summary.json"]["sha256"] = digest((folder / "summary.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert verify(experiment) == ExitCode.SUCCESS
    assert "ctrlab 0.0.9, now" in capsys.readouterr().out


def test_an_experiment_without_report_cannot_be_verified(
    experiment: WrittenExperiment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(experiment) == ExitCode.BAD_SPEC_OR_DATA
    assert "has no published report to verify" in capsys.readouterr().err
