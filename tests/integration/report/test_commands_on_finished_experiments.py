"""`ctrlab report`, `verify` and `compare` on experiments named by the URI of their folder, in whatever store."""

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

Writer = Callable[..., Any]


def ctrlab(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["ctrlab", *arguments])
    with pytest.raises(SystemExit) as ended:
        ctrlab_main()
    return int(ended.value.code or 0)


def uri(experiment: Any) -> str:
    return f"{experiment.uri}/{experiment.key.prefix}"


@pytest.fixture
def published(written: Writer) -> Any:
    experiment = written(rows=300, metrics=("auc",))
    make = ["make", "--store", experiment.uri, "--experiment", experiment.argument]
    assert report_main(make) == ExitCode.SUCCESS
    return experiment


def test_report_reads_a_folder_of_any_store(
    published: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert ctrlab(monkeypatch, "report", uri(published), "-o", "json") == ExitCode.SUCCESS
    assert json.loads(capsys.readouterr().out)["experiment"] == "movies"
    assert ctrlab(monkeypatch, "report", uri(published)) == ExitCode.SUCCESS
    shown = capsys.readouterr().out
    page = Path(shown.splitlines()[-1].removeprefix("report: "))
    assert page.is_file()


def test_report_of_a_folder_without_one_says_so(
    experiment: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "report", uri(experiment)) == ExitCode.INVALID_INPUT
    assert "has no report yet" in capsys.readouterr().err


def test_verify_ends_with_the_failure_code_where_a_number_was_changed(
    published: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "verify", uri(published), "--report") == ExitCode.SUCCESS
    assert "equal: all" in capfd.readouterr().out
    (summary,) = published.path.glob("report/*/summary.json")
    summary.write_text(summary.read_text().replace('"confidence": 0.95', '"confidence": 0.9', 1))
    assert ctrlab(monkeypatch, "verify", uri(published), "--report") == ExitCode.EXPERIMENT_FAILED
    assert "summary.json: was changed after publishing" in capfd.readouterr().out


def test_verify_wants_one_run_or_the_report(
    published: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "verify", uri(published), "--variant", "SIN") == ExitCode.INVALID_INPUT
    assert "give --variant and --seed for one run, or --report alone" in capsys.readouterr().err


def test_compare_prints_and_keeps_the_comparison(
    written: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    june, july = (
        written(rows=300, key=ExperimentKey(namespace="default", name=name, uid="0a1b2c")) for name in ("june", "july")
    )
    target = tmp_path / "out"
    assert ctrlab(monkeypatch, "compare", uri(june), uri(july), "--into", str(target)) == ExitCode.SUCCESS
    shown = capsys.readouterr().out
    assert "june/SIN − july/DeepFM" in shown
    assert (target / "comparison.md").read_text().rstrip() in shown
    assert len(json.loads((target / "comparison.json").read_text())["pairs"]) == 9


def test_compare_of_one_is_refused(
    experiment: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = ctrlab(monkeypatch, "compare", uri(experiment), "--into", str(tmp_path / "out"))
    assert code == ExitCode.INVALID_INPUT
    assert "two or more different ones" in capsys.readouterr().err
