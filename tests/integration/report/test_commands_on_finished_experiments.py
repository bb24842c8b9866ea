"""`ctrlab report`, `verify` and `compare` on folders of experiments in any store, named by URI."""

import json
from pathlib import Path

import pytest
from builders.finished_experiment import ExperimentWriter, WrittenExperiment
from command_line import ctrlab

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode
from ctrlab_report.cli import main as report_main


@pytest.fixture
def published(written: ExperimentWriter) -> WrittenExperiment:
    experiment = written(rows=300, metrics=("auc",))
    make = ["make", "--store", experiment.uri, "--experiment", experiment.argument]
    assert report_main(make) == ExitCode.SUCCESS
    return experiment


def test_report_reads_a_folder_of_any_store(
    published: WrittenExperiment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert ctrlab(monkeypatch, "report", published.folder_uri, "-o", "json") == ExitCode.SUCCESS
    assert json.loads(capsys.readouterr().out)["experiment"] == "movies"
    assert ctrlab(monkeypatch, "report", published.folder_uri) == ExitCode.SUCCESS
    output = capsys.readouterr().out
    page = Path(output.splitlines()[-1].removeprefix("report: "))
    assert page.is_file()


def test_report_fails_if_the_experiment_has_none(
    experiment: WrittenExperiment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "report", experiment.folder_uri) == ExitCode.INVALID_INPUT
    assert "has no report yet" in capsys.readouterr().err


def test_verify_fails_if_a_number_was_changed(
    published: WrittenExperiment, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "verify", published.folder_uri, "--report") == ExitCode.SUCCESS
    assert "equal: all" in capfd.readouterr().out
    (summary,) = published.path.glob("report/*/summary.json")
    summary.write_text(summary.read_text().replace('"confidence": 0.95', '"confidence": 0.9', 1))
    assert ctrlab(monkeypatch, "verify", published.folder_uri, "--report") == ExitCode.EXPERIMENT_FAILED
    assert "summary.json: was changed after publishing" in capfd.readouterr().out


def test_verify_needs_one_run_or_the_report(
    published: WrittenExperiment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "verify", published.folder_uri, "--variant", "SIN") == ExitCode.INVALID_INPUT
    assert "give --variant and --seed for one run, or --report alone" in capsys.readouterr().err


def test_compare_prints_and_writes_the_comparison(
    written: ExperimentWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    june, july = (written(rows=300, key=ExperimentKey.parse(f"default/{name}/0a1b2c")) for name in ("june", "july"))
    target = tmp_path / "out"
    assert ctrlab(monkeypatch, "compare", june.folder_uri, july.folder_uri, "--into", str(target)) == ExitCode.SUCCESS
    output = capsys.readouterr().out
    assert "june/SIN − july/DeepFM" in output
    assert (target / "comparison.md").read_text().rstrip() in output
    assert len(json.loads((target / "comparison.json").read_text())["pairs"]) == 9


def test_compare_rejects_a_single_experiment(
    experiment: WrittenExperiment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = ctrlab(monkeypatch, "compare", experiment.folder_uri, "--into", str(tmp_path / "out"))
    assert code == ExitCode.INVALID_INPUT
    assert "two or more different ones" in capsys.readouterr().err
