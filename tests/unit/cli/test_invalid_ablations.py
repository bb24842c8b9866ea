"""Invalid ablations, one row each: `ctrlab validate` rejects them together with their experiment."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import ctrlab

EXPERIMENT = """\
apiVersion: ctrlab.dev/v1alpha1
kind: CTRExperiment
metadata: {name: study}
spec:
  dataset:
    source: {uri: "file:///data/ratings.csv", format: csv}
    label: {column: click}
    features:
      - {name: user_id, type: Categorical}
      - {name: item_id, type: Categorical}
      - {name: seen, type: History, of: item_id}
    user: user_id
    time: at
    split: {strategy: Temporal}
  models:
    - name: SIN
      architecture: sin
      parameters: {fusion: attention, batch_size: 512}
      search:
        learning_rate: {float: {low: "1e-4", high: "1e-2", log: true}}
    - name: xDeepFM
      architecture: xdeepfm
"""

ABLATION = """\
apiVersion: ctrlab.dev/v1alpha1
kind: Ablation
metadata: {name: parts}
spec:
  experimentRef: {name: study}
  model: SIN
  variants:
    - {name: no-cin, remove: [cin]}
    - {name: gate, set: {fusion: gate}}
    - {name: no-history, dropFeatures: [seen]}
"""


@dataclass(frozen=True)
class InvalidCase:
    name: str
    old: str
    new: str
    message: str


CASES = [
    InvalidCase(
        "model", "model: SIN", "model: SON", "Ablation parts spec.model: study has no model 'SON'; known: SIN, xDeepFM"
    ),
    InvalidCase(
        "part",
        "remove: [cin]",
        "remove: [crn]",
        "spec.variants[0].remove: SIN has no removable part 'crn'; known: bst, cin, fields, linear, position, target",
    ),
    InvalidCase(
        "every branch",
        "remove: [cin]",
        "remove: [cin, bst, linear, fields]",
        "spec.variants[0].remove: nothing of SIN would be left: keep one of cin, bst, linear, fields",
    ),
    InvalidCase(
        "every branch, one of them through its features",
        "remove: [cin]",
        "remove: [cin, linear, fields], dropFeatures: [seen]",
        "spec.variants[0].remove: nothing of SIN would be left",
    ),
    InvalidCase(
        "parameter",
        "set: {fusion: gate}",
        "set: {fuison: gate}",
        "spec.variants[1].set.fuison: SIN has no such parameter; known: activation, batch_norm",
    ),
    InvalidCase(
        "value",
        "set: {fusion: gate}",
        "set: {fusion: gates}",
        "spec.variants[1].set.fusion: input should be 'attention', 'gate', 'concat' or 'sum', not 'gates'",
    ),
    InvalidCase(
        "no change",
        "set: {fusion: gate}",
        "set: {fusion: attention}",
        "spec.variants[1].set.fusion: changes nothing: SIN has attention already",
    ),
    InvalidCase(
        "feature",
        "dropFeatures: [seen]",
        "dropFeatures: [sean]",
        "spec.variants[2].dropFeatures: the data set has no feature 'sean'; known: user_id, item_id, seen",
    ),
    InvalidCase(
        "candidate of a history",
        "dropFeatures: [seen]",
        "dropFeatures: [item_id]",
        "spec.variants[2].dropFeatures: the history 'seen' needs its candidate 'item_id': drop both or neither",
    ),
    InvalidCase(
        "every feature",
        "dropFeatures: [seen]",
        "dropFeatures: [user_id, item_id, seen]",
        "spec.variants[2].dropFeatures: no feature would be left; keep one of user_id, item_id, seen",
    ),
    InvalidCase(
        "existing feature",
        "dropFeatures: [seen]",
        "addFeatures: [{name: seen, type: Categorical}]",
        "spec.variants[2].addFeatures: the full model already uses 'seen', like every feature of the data set (user_id",
    ),
    InvalidCase(
        "feature without a type",
        "dropFeatures: [seen]",
        "addFeatures: [{name: price}]",
        "spec.variants[2].addFeatures[0].type: required, but missing",
    ),
    InvalidCase(
        "feature with a field of another type",
        "dropFeatures: [seen]",
        "addFeatures: [{name: price, type: Numeric, separator: ','}]",
        "spec.variants[2].addFeatures[0]: separator is for MultiCategorical and Vector features, not Numeric",
    ),
    InvalidCase(
        "history of an unknown feature",
        "dropFeatures: [seen]",
        "addFeatures: [{name: bought, type: History, of: shop}]",
        "spec.variants[2].addFeatures: the History feature 'bought' has of 'shop', which is not a Categorical feature; "
        "known: user_id, item_id",
    ),
    InvalidCase(
        "stored history that changes the ids of its feature",
        "dropFeatures: [seen]",
        "addFeatures: [{name: bought, type: History, of: item_id, stored: {}}]",
        "spec.variants[2].addFeatures: 'bought' would add its values to the ids of 'item_id', which every variant uses",
    ),
    InvalidCase(
        "the label as a feature",
        "dropFeatures: [seen]",
        "addFeatures: [{name: click, type: Categorical}]",
        "spec.variants[2].addFeatures: features: the label column 'click' cannot be a feature",
    ),
    InvalidCase(
        "added twice",
        "dropFeatures: [seen]",
        "addFeatures: [{name: price, type: Numeric}, {name: price, type: Numeric}]",
        "spec.variants[2]: addFeatures: the name 'price' is given twice",
    ),
    InvalidCase(
        "declared differently by another variant",
        "dropFeatures: [seen]}",
        "addFeatures: [{name: price, type: Numeric}]}\n"
        "    - {name: as-id, addFeatures: [{name: price, type: Categorical}]}",
        "spec.variants[3].addFeatures: 'price' is declared differently by another variant; give one of them a new name",
    ),
    InvalidCase(
        "duplicate change",
        "set: {fusion: gate}",
        "remove: [cin]",
        "spec.variants[1]: gate makes the same change as no-cin",
    ),
    InvalidCase("empty list", "remove: [cin]", "remove: []", "spec.variants[0].remove: needs at least 1, has 0"),
    InvalidCase(
        "no variant change", ", remove: [cin]", "", "a variant must change something: give remove, set, dropFeatures"
    ),
    InvalidCase(
        "name of the full model", "name: no-cin", "name: SIN", "a variant cannot have the name of the full model, 'SIN'"
    ),
    InvalidCase(
        "one part only",
        "model: SIN",
        "model: SIN\n  factorial: true",
        "the variants must remove 2 to 5 different parts",
    ),
    InvalidCase(
        "combinations of every branch",
        "    - {name: no-cin, remove: [cin]}",
        "    - {name: no-cin, remove: [cin]}\n    - {name: neither, remove: [bst, linear, fields]}",
        "spec.factorial: nothing of SIN would be left: keep one of cin, bst, linear, fields; all removals are combined",
    ),
    InvalidCase("four seeds", "model: SIN", "model: SIN\n  seeds: {from: Explicit, count: 4}", "spec.seeds.count"),
    InvalidCase("both seeds", "model: SIN", "model: SIN\n  seeds: {count: 6}", "count belongs to from: Explicit"),
    InvalidCase(
        "unknown hyperparameters",
        "model: SIN",
        "model: SIN\n  hyperparameters: Guess",
        "spec.hyperparameters: expected",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message_names_the_field_and_the_known_values(
    case: InvalidCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert case.old in ABLATION
    file = tmp_path / "both.yaml"
    factorial = "  factorial: true\n" if case.message.startswith("spec.factorial") else ""
    file.write_text(f"{EXPERIMENT}---\n{ABLATION.replace(case.old, case.new, 1)}{factorial}")
    assert ctrlab(monkeypatch, "validate", str(file)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert case.message in err, err
    assert err.startswith("error: ")
    assert len(set(err.splitlines())) == len(err.splitlines())


def test_ablation_is_checked_against_an_experiment_in_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ablation, experiment = tmp_path / "ablation.yaml", tmp_path / "experiment.yaml"
    ablation.write_text(ABLATION)
    experiment.write_text(EXPERIMENT)
    assert ctrlab(monkeypatch, "validate", str(ablation), str(experiment)) == 0
    assert capsys.readouterr().out == "Ablation parts: valid\nCTRExperiment study: valid\n"


def test_ablation_without_its_experiment_is_valid_with_a_remark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ablation.yaml"
    file.write_text(ABLATION)
    assert ctrlab(monkeypatch, "validate", str(file)) == 0
    expected = "Ablation parts: valid; not checked against default/study, add its file\n"
    assert capsys.readouterr().out == expected
