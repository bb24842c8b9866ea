"""Invalid specifications, one row each: `ctrlab validate` exits with 2 and names the field and the remedy."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import ctrlab

VALID = """\
apiVersion: ctrlab.dev/v1alpha1
kind: CTRExperiment
metadata: {name: study}
spec:
  dataset:
    source: {uri: "file:///data/ratings.csv", format: csv}
    label: {column: rating, positiveWhen: ">= 4"}
    features:
      - {name: user_id, type: Categorical}
      - {name: item_id, type: Categorical}
    split: {strategy: Random}
  models:
    - name: DeepFM
      architecture: deepfm
      parameters: {batch_size: 1024}
      search:
        learning_rate: {float: {low: "1e-4", high: "1e-2", log: true}}
    - name: LR
      architecture: lr
  tuning: {trials: 10}
  evaluation: {seeds: {count: 5}}
"""

ABLATION = """\
apiVersion: ctrlab.dev/v1alpha1
kind: Ablation
metadata: {name: parts}
spec:
  experimentRef: {name: study}
  model: DeepFM
  variants:
    - {name: no-fm, remove: [fm]}
"""


@dataclass(frozen=True)
class InvalidCase:
    name: str
    old: str
    new: str
    message: str


CASES = [
    InvalidCase("unknown field", "trials: 10", "trails: 10", "spec.tuning.trails: unknown field"),
    InvalidCase(
        "unknown nested field", "log: true", "logarithmic: true", "learning_rate.float.logarithmic: unknown field"
    ),
    InvalidCase(
        "number instead of text",
        'low: "1e-4"',
        "low: 0.0001",
        "spec.models[0].search.learning_rate.float.low: expected text",
    ),
    InvalidCase(
        "text instead of number",
        "trials: 10",
        "trials: many",
        "spec.tuning.trials: expected a whole number, not 'many'",
    ),
    InvalidCase(
        "fraction instead of integer", "trials: 10", "trials: 2.5", "spec.tuning.trials: expected a whole number"
    ),
    InvalidCase("four seeds", "count: 5", "count: 4", "spec.evaluation.seeds.count"),
    InvalidCase("no trials", "trials: 10", "trials: 0", "spec.tuning.trials"),
    InvalidCase(
        "CmaEs with one dimension",
        "tuning: {trials: 10}",
        "tuning: {trials: 10, sampler: CmaEs}",
        "spec.tuning.sampler: CmaEs needs at least two dimensions of type float or int; DeepFM has 1; use TPE",
    ),
    InvalidCase(
        "warm start of CmaEs with a conditional parameter",
        """learning_rate: {float: {low: "1e-4", high: "1e-2", log: true}}
    - name: LR
      architecture: lr
  tuning: {trials: 10}""",
        """learning_rate: {float: {low: "1e-4", high: "1e-2", log: true}}
        epochs: {int: {low: 1, high: 9}}
        dropout: {float: {low: "0", high: "0.5"}, when: {batch_size: 1024}}
  tuning: {trials: 10, sampler: CmaEs, warmStart: {experiment: a/b/c}}""",
        "spec.tuning.warmStart: CmaEs cannot start with trials that differ in dropout (when); use TPE or GP",
    ),
    InvalidCase(
        "unknown architecture", "architecture: lr", "architecture: lrr", "unknown architecture 'lrr'; known: lr, fm"
    ),
    InvalidCase(
        "unknown parameter", "batch_size: 1024", "batch: 1024", "spec.models[0].parameters.batch: DeepFM has no such"
    ),
    InvalidCase("parameter out of range", "batch_size: 1024", "batch_size: 0", "spec.models[0].parameters.batch_size"),
    InvalidCase("search out of range", 'high: "1e-2"', 'high: "3"', "spec.models[0].search.learning_rate"),
    InvalidCase(
        "fixed and tuned",
        "batch_size: 1024",
        'learning_rate: "0.1"',
        "the parameter 'learning_rate' is either fixed in parameters or tuned in search, not both",
    ),
    InvalidCase("low above high", 'low: "1e-4"', 'low: "1"', "low must be below high, not 1 and 1e-2"),
    InvalidCase("log from zero", 'low: "1e-4"', 'low: "0"', "a log scale needs low above 0, not 0"),
    InvalidCase(
        "empty dimension",
        'learning_rate: {float: {low: "1e-4", high: "1e-2", log: true}}',
        "learning_rate: {}",
        "exactly one of float, int and categorical",
    ),
    InvalidCase(
        "empty choices",
        'learning_rate: {float: {low: "1e-4", high: "1e-2", log: true}}',
        "learning_rate: {categorical: []}",
        "learning_rate.categorical: needs at least 1, has 0",
    ),
    InvalidCase("duplicate models", "name: LR", "name: DeepFM", "the name 'DeepFM' is given twice"),
    InvalidCase("duplicate features", "name: item_id", "name: user_id", "the name 'user_id' is given twice"),
    InvalidCase(
        "label among features", "name: item_id", "name: rating", "the label column 'rating' cannot be a feature"
    ),
    InvalidCase(
        "gauc without user",
        "evaluation:",
        "analysis: {metrics: [auc, gauc]}\n  evaluation:",
        "gauc needs dataset.user",
    ),
    InvalidCase(
        "primary metric not among metrics",
        "evaluation:",
        "analysis: {primaryMetric: ne}\n  evaluation:",
        "primaryMetric ne must be one of metrics: auc, logloss",
    ),
    InvalidCase(
        "unknown reference",
        "evaluation:",
        "analysis: {reference: FM}\n  evaluation:",
        "no model is named 'FM'; known: DeepFM, LR",
    ),
    InvalidCase(
        "temporal split without time", "strategy: Random", "strategy: Temporal", "time is required for a Temporal split"
    ),
    InvalidCase(
        "fractions", "strategy: Random", 'strategy: Random, fractions: ["0.5", "0.4", "0.2"]', "sum to 1, not 0.5"
    ),
    InvalidCase("unknown strategy", "strategy: Random", "strategy: Shuffled", "spec.dataset.split.strategy: expected"),
    InvalidCase("history without user", "architecture: lr", "architecture: din", "DIN needs a feature of type History"),
    InvalidCase(
        "no format", 'ratings.csv", format: csv', 'ratings"', "format is required for file:///data/ratings: one of"
    ),
    InvalidCase("unknown scheme", "file:///data", "ftp:///data", "spec.dataset.source.uri"),
    InvalidCase(
        "precision without maximum", "count: 5}", "count: 5}, precision: {metric: auc, halfWidth: '0.1'}", "seeds.max"
    ),
    InvalidCase(
        "name that is not a DNS label",
        "name: study",
        "name: My_Study",
        "metadata.name: expected a name of lowercase letters",
    ),
    InvalidCase("no name", "metadata: {name: study}", "metadata: {}", "metadata.name: required, but missing"),
    InvalidCase(
        "unknown kind", "kind: CTRExperiment", "kind: Experiment", "kind: expected one of CTRExperiment, Ablation"
    ),
    InvalidCase("unknown version", "v1alpha1", "v1", "apiVersion: expected ctrlab.dev/v1alpha1, not 'ctrlab.dev/v1'"),
    InvalidCase("not YAML", "spec:", "spec: [", "not valid YAML"),
    InvalidCase("list", VALID, "- 1\n- 2\n", "expected a mapping"),
    InvalidCase("no document", VALID, "# later\n", "the file contains no resource"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message_names_the_field_and_the_remedy(
    case: InvalidCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert case.old in VALID
    file = tmp_path / "experiment.yaml"
    file.write_text(VALID.replace(case.old, case.new, 1))
    assert ctrlab(monkeypatch, "validate", str(file)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.strip().splitlines()
    assert any(case.message in line for line in lines), err
    assert all(line.startswith(f"error: {file}: ") for line in lines)
    assert len(set(lines)) == len(lines)


def test_valid_experiment_and_ablation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "both.yaml"
    file.write_text(f"{VALID}---\n{ABLATION}")
    assert ctrlab(monkeypatch, "validate", str(file)) == 0
    assert capsys.readouterr().out == "CTRExperiment study: valid\nAblation parts: valid\n"


def test_problems_of_all_files_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(VALID.replace("trials: 10", "trials: 0").replace("count: 5", "count: 4"))
    missing = tmp_path / "missing.yaml"
    assert ctrlab(monkeypatch, "validate", str(file), str(missing)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert f"error: {missing}: no such file" in lines


def test_unwritable_workspace_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(VALID)
    blocker = tmp_path / "a-file"
    blocker.write_text("")
    assert ctrlab(monkeypatch, "run", str(file), "--workspace", str(blocker / "below")) == 2
    err = capsys.readouterr().err
    assert f"error: {blocker}/below: cannot be written: Not a directory; choose another folder with --workspace" in err


def test_run_of_an_ablation_without_its_experiment_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ablation.yaml"
    file.write_text(ABLATION)
    assert ctrlab(monkeypatch, "run", str(file), "--workspace", str(tmp_path / "w")) == 2
    err = capsys.readouterr().err
    assert "Ablation parts spec.experimentRef.name: no CTRExperiment default/study is in the given files or in" in err
    assert "add its file to the command" in err


def test_duplicate_names_are_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text(f"{VALID}---\n{VALID}")
    assert ctrlab(monkeypatch, "run", str(file), "--workspace", str(tmp_path / "w")) == 2
    assert "CTRExperiment default/study: given twice" in capsys.readouterr().err
