"""`ctrlab report`, `compare` and `verify` on folders of a real S3 server."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ctrlab.cli import main as ctrlab_main
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode
from ctrlab_report.cli import main as report_main
from ctrlab_store import open_store

Writer = Callable[..., Any]


def uploaded(experiment: Any, bucket: str) -> str:
    """The experiment's folder in the bucket, with its report."""
    target = open_store(bucket).below(experiment.key.prefix)
    for key in experiment.folder.list(""):
        target.put(key, experiment.folder.get(key))
    assert report_main(["make", "--store", bucket, "--experiment", experiment.argument]) == ExitCode.SUCCESS
    return f"{bucket}/{experiment.argument}"


def ctrlab(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["ctrlab", *arguments])
    with pytest.raises(SystemExit) as ended:
        ctrlab_main()
    return int(ended.value.code or 0)


def test_a_report_is_read_and_verified_in_the_bucket(
    written: Writer, s3_prefix: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = uploaded(written(rows=300, metrics=("auc",)), s3_prefix)
    capfd.readouterr()
    assert ctrlab(monkeypatch, "report", folder, "-o", "json") == ExitCode.SUCCESS
    assert json.loads(capfd.readouterr().out)["experiment"] == "movies"
    assert ctrlab(monkeypatch, "report", folder) == ExitCode.SUCCESS
    assert f"report: {folder}/report/" in capfd.readouterr().out
    assert ctrlab(monkeypatch, "verify", folder, "--report") == ExitCode.SUCCESS
    assert "equal: all" in capfd.readouterr().out
    store = open_store(folder)
    run = next(key for key in store.list("runs/") if key.endswith("predictions.parquet"))
    whole = store.get(run)
    store.replace(run, whole[:-100])
    assert ctrlab(monkeypatch, "verify", folder, "--report") == ExitCode.INVALID_INPUT
    assert f"{run}: has sha256:" in capfd.readouterr().err


def test_experiments_of_a_bucket_are_compared(
    written: Writer,
    s3_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    keys = [ExperimentKey(namespace="default", name=name, uid="0a1b2c") for name in ("june", "july")]
    folders = [uploaded(written(rows=300, metrics=("auc",), key=key), s3_prefix) for key in keys]
    target = tmp_path / "out"
    assert ctrlab(monkeypatch, "compare", *folders, "--into", str(target)) == ExitCode.SUCCESS
    assert "june/SIN − july/DeepFM" in capfd.readouterr().out
    assert "june/SIN − july/DeepFM" in (target / "comparison.html").read_text()


def test_an_empty_prefix_has_no_report_and_says_so(
    s3_prefix: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = f"{s3_prefix}/default/nothing/0a1b2c"
    assert ctrlab(monkeypatch, "report", folder) == ExitCode.INVALID_INPUT
    told = capfd.readouterr().err
    assert folder in told
    assert "has no report yet" in told
