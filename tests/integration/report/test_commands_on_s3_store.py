"""`ctrlab report`, `compare` and `verify` on folders in a real S3 server."""

import json
from pathlib import Path

import pytest
from builders.finished_experiment import ExperimentWriter, WrittenExperiment
from command_line import ctrlab

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode
from ctrlab_report.cli import main as report_main
from ctrlab_store import open_store


def upload_with_report(experiment: WrittenExperiment, bucket: str) -> str:
    """Copy an experiment to the bucket and make its report; return the URI of its folder."""
    target = open_store(bucket).below(experiment.key.prefix)
    for key in experiment.folder.list(""):
        target.put(key, experiment.folder.get(key))
    assert report_main(["make", "--store", bucket, "--experiment", experiment.argument]) == ExitCode.SUCCESS
    return f"{bucket}/{experiment.argument}"


def test_a_report_is_read_and_verified_in_the_bucket(
    written: ExperimentWriter, s3_prefix: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = upload_with_report(written(rows=300, metrics=("auc",)), s3_prefix)
    capfd.readouterr()
    assert ctrlab(monkeypatch, "report", folder, "-o", "json") == ExitCode.SUCCESS
    assert json.loads(capfd.readouterr().out)["experiment"] == "movies"
    assert ctrlab(monkeypatch, "report", folder) == ExitCode.SUCCESS
    assert f"report: {folder}/report/" in capfd.readouterr().out
    assert ctrlab(monkeypatch, "verify", folder, "--report") == ExitCode.SUCCESS
    assert "equal: all" in capfd.readouterr().out
    store = open_store(folder)
    run = next(key for key in store.list("runs/") if key.endswith("predictions.parquet"))
    store.replace(run, store.get(run)[:-100])
    assert ctrlab(monkeypatch, "verify", folder, "--report") == ExitCode.INVALID_INPUT
    assert f"{run}: has sha256:" in capfd.readouterr().err


def test_experiments_of_a_bucket_are_compared(
    written: ExperimentWriter,
    s3_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    keys = [ExperimentKey.parse(f"default/{name}/0a1b2c") for name in ("june", "july")]
    folders = [upload_with_report(written(rows=300, metrics=("auc",), key=key), s3_prefix) for key in keys]
    target = tmp_path / "out"
    assert ctrlab(monkeypatch, "compare", *folders, "--into", str(target)) == ExitCode.SUCCESS
    assert "june/SIN − july/DeepFM" in capfd.readouterr().out
    assert "june/SIN − july/DeepFM" in (target / "comparison.html").read_text()


def test_report_fails_if_the_prefix_is_empty(
    s3_prefix: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = f"{s3_prefix}/default/nothing/0a1b2c"
    assert ctrlab(monkeypatch, "report", folder) == ExitCode.INVALID_INPUT
    message = capfd.readouterr().err
    assert folder in message
    assert "has no report yet" in message
