"""Every bad experiment that models, rules and checks refuse, as a file: `ctrlab validate` names the place, code 2."""

import json
import sys
from pathlib import Path

import pytest
from resource_examples import REFUSED, RejectedExample

from ctrlab.cli import main

EXPERIMENTS = {name: case for name, case in REFUSED.items() if case.kind == "CTRExperiment"}


@pytest.mark.parametrize("case", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_the_place_and_the_reason_are_printed(
    case: RejectedExample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(json.dumps(case.content))
    monkeypatch.setattr(sys, "argv", ["ctrlab", "validate", str(file)])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert any(line.startswith(f"error: {file}: {case.where}: ") and case.says in line for line in err.splitlines()), (
        err
    )
