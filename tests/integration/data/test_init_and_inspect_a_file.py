"""`ctrlab init FILE` and `ctrlab data inspect FILE`: the output of the commands for a file without YAML."""

from pathlib import Path

import pytest
from command_line import ctrlab

from ctrlab_api.loading.resource_loading import load_manifests


@pytest.fixture
def clicks(tmp_path: Path) -> Path:
    """Write a small file of clicks with a time, and a second column that could be the label."""
    lines = [f"u{i % 9},i{i % 7},{1_700_000_000 + i},{int(i % 5 in (0, i % 7))},{i % 2}\n" for i in range(400)]
    path = tmp_path / "clicks.csv"
    path.write_text("user_id,item_id,time,click,label\n" + "".join(lines))
    return path


def test_standard_output_is_an_experiment_and_reviews_are_on_standard_error(
    clicks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "init", str(clicks)) == 0
    out, err = capsys.readouterr()
    experiment = clicks.with_name("experiment.yaml")
    experiment.write_text(out)
    assert len(load_manifests(experiment)) == 1
    assert "review: label: {column: click}    # REVIEW: named like a label" in err
    assert ctrlab(monkeypatch, "validate", str(experiment)) == 0


def test_a_chosen_column_and_a_wrong_file_are_reported(
    clicks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "init", str(clicks), "--label", "clock") == 2
    assert "--label: clicks.csv has no column 'clock'" in capsys.readouterr().err
    assert ctrlab(monkeypatch, "init", str(clicks.with_name("absent.csv"))) == 2
    assert "absent.csv: no such file or folder" in capsys.readouterr().err


def test_inspecting_a_file_prints_guesses_and_statistics(
    clicks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctrlab(monkeypatch, "data", "inspect", str(clicks)) == 0
    out = capsys.readouterr().out
    assert "guess: time time: named like the time of the row" in out
    assert "warning: test has only" in out
