"""Bad ablations, one row each: refused together with their experiment before anything runs."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctrlab.cli import main

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
class Bad:
    name: str
    old: str
    new: str
    says: str


CASES = [
    Bad(
        "model", "model: SIN", "model: SON", "Ablation parts spec.model: study has no model 'SON'; known: SIN, xDeepFM"
    ),
    Bad(
        "part",
        "remove: [cin]",
        "remove: [crn]",
        "spec.variants[0].remove: SIN has no removable part 'crn'; known: bst, cin, fields, linear, position, target",
    ),
    Bad(
        "every branch",
        "remove: [cin]",
        "remove: [cin, bst, linear, fields]",
        "spec.variants[0].remove: nothing of SIN would be left: keep one of cin, bst, linear, fields",
    ),
    Bad(
        "every branch, one of them with its features",
        "remove: [cin]",
        "remove: [cin, linear, fields], dropFeatures: [seen]",
        "spec.variants[0].remove: nothing of SIN would be left",
    ),
    Bad(
        "parameter",
        "set: {fusion: gate}",
        "set: {fuison: gate}",
        "spec.variants[1].set.fuison: SIN has no such parameter; known: activation, batch_norm",
    ),
    Bad(
        "value",
        "set: {fusion: gate}",
        "set: {fusion: gates}",
        "spec.variants[1].set.fusion: input should be 'attention', 'gate', 'concat' or 'sum', not 'gates'",
    ),
    Bad(
        "no change",
        "set: {fusion: gate}",
        "set: {fusion: attention}",
        "spec.variants[1].set.fusion: changes nothing: SIN has attention already",
    ),
    Bad(
        "feature",
        "dropFeatures: [seen]",
        "dropFeatures: [sean]",
        "spec.variants[2].dropFeatures: the data set has no feature 'sean'; known: user_id, item_id, seen",
    ),
    Bad(
        "candidate of a history",
        "dropFeatures: [seen]",
        "dropFeatures: [item_id]",
        "spec.variants[2].dropFeatures: the history 'seen' needs its candidate 'item_id': drop both or neither",
    ),
    Bad(
        "every feature",
        "dropFeatures: [seen]",
        "dropFeatures: [user_id, item_id, seen]",
        "spec.variants[2].dropFeatures: no feature would be left; keep one of user_id, item_id, seen",
    ),
    Bad(
        "feature that is there",
        "dropFeatures: [seen]",
        "addFeatures: [{name: seen, type: Categorical}]",
        "spec.variants[2].addFeatures: the full model sees 'seen' already, as every feature of the data set (user_id",
    ),
    Bad(
        "feature without a type",
        "dropFeatures: [seen]",
        "addFeatures: [{name: price}]",
        "spec.variants[2].addFeatures[0].type: required, but missing",
    ),
    Bad(
        "feature of a field that it cannot have",
        "dropFeatures: [seen]",
        "addFeatures: [{name: price, type: Numeric, separator: ','}]",
        "spec.variants[2].addFeatures[0]: separator is for MultiCategorical features, not Numeric",
    ),
    Bad(
        "history of a feature that is not there",
        "dropFeatures: [seen]",
        "addFeatures: [{name: bought, type: History, of: shop}]",
        "spec.variants[2].addFeatures: the History feature 'bought' has of 'shop', which is not a Categorical feature; "
        "known: user_id, item_id",
    ),
    Bad(
        "the label as a feature",
        "dropFeatures: [seen]",
        "addFeatures: [{name: click, type: Categorical}]",
        "spec.variants[2].addFeatures: features: the label column 'click' cannot be a feature",
    ),
    Bad(
        "added twice",
        "dropFeatures: [seen]",
        "addFeatures: [{name: price, type: Numeric}, {name: price, type: Numeric}]",
        "spec.variants[2]: addFeatures: the name 'price' is given twice",
    ),
    Bad(
        "added otherwise by another variant",
        "dropFeatures: [seen]}",
        "addFeatures: [{name: price, type: Numeric}]}\n"
        "    - {name: as-id, addFeatures: [{name: price, type: Categorical}]}",
        "spec.variants[3].addFeatures: 'price' is declared otherwise by another variant; give one a new name",
    ),
    Bad(
        "the same twice",
        "set: {fusion: gate}",
        "remove: [cin]",
        "spec.variants[1]: gate makes the same change as no-cin",
    ),
    Bad("nothing", "remove: [cin]", "remove: []", "spec.variants[0].remove: needs at least 1, has 0"),
    Bad("no variant change", ", remove: [cin]", "", "a variant changes something: give remove, set, dropFeatures"),
    Bad(
        "name of the full model", "name: no-cin", "name: SIN", "a variant cannot have the name of the full model, 'SIN'"
    ),
    Bad(
        "one part only",
        "model: SIN",
        "model: SIN\n  factorial: true",
        "the variants must remove 2 to 5 different parts",
    ),
    Bad(
        "combinations of every branch",
        "    - {name: no-cin, remove: [cin]}",
        "    - {name: no-cin, remove: [cin]}\n    - {name: neither, remove: [bst, linear, fields]}",
        "spec.factorial: nothing of SIN would be left: keep one of cin, bst, linear, fields; all removals are combined",
    ),
    Bad("four seeds", "model: SIN", "model: SIN\n  seeds: {from: Explicit, count: 4}", "spec.seeds.count"),
    Bad("both seeds", "model: SIN", "model: SIN\n  seeds: {count: 6}", "count belongs to from: Explicit"),
    Bad("another way", "model: SIN", "model: SIN\n  hyperparameters: Guess", "spec.hyperparameters: expected"),
]


def ctrlab(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["ctrlab", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_ablation_is_refused_with_its_place_and_what_is_known(
    case: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert case.old in ABLATION
    file = tmp_path / "both.yaml"
    factorial = "  factorial: true\n" if case.says.startswith("spec.factorial") else ""
    file.write_text(f"{EXPERIMENT}---\n{ABLATION.replace(case.old, case.new, 1)}{factorial}")
    assert ctrlab(monkeypatch, "validate", str(file)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert case.says in err, err
    assert err.startswith("error: ")
    assert len(set(err.splitlines())) == len(err.splitlines())


def test_an_ablation_is_checked_against_an_experiment_of_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = tmp_path / "ablation.yaml", tmp_path / "experiment.yaml"
    one.write_text(ABLATION)
    other.write_text(EXPERIMENT)
    assert ctrlab(monkeypatch, "validate", str(one), str(other)) == 0
    assert capsys.readouterr().out == "Ablation parts: valid\nCTRExperiment study: valid\n"


def test_an_ablation_alone_is_valid_with_a_remark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ablation.yaml"
    file.write_text(ABLATION)
    assert ctrlab(monkeypatch, "validate", str(file)) == 0
    said = "Ablation parts: valid; not checked against default/study, give its file as well\n"
    assert capsys.readouterr().out == said
