"""Every rejected example experiment as a file: `ctrlab validate` exits with 2 and names the field."""

import json
from pathlib import Path

import pytest
from command_line import ctrlab
from resource_examples import REJECTED, RejectedExample

EXPERIMENTS = {name: case for name, case in REJECTED.items() if case.kind == "CTRExperiment"}


@pytest.mark.parametrize("case", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_field_and_reason_are_printed(
    case: RejectedExample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(json.dumps(case.content))
    code = ctrlab(monkeypatch, "validate", str(file))
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert any(
        line.startswith(f"error: {file}: {case.where}: ") and case.message in line for line in err.splitlines()
    ), err
