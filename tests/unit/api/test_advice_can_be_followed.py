"""Advice in messages about a specification: whoever follows it gets a valid file that means what was written."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from builders import experiment_manifest, with_changes

from ctrlab_api.checks.experiment_checks import search_space_notes
from ctrlab_api.crd.crd_definitions import KINDS, root_schema
from ctrlab_api.errors import InvalidSpec
from ctrlab_api.loading.resource_loading import parse_manifests
from ctrlab_api.resources.experiment import Experiment

LEARNING_RATE = "spec.models[0].search.learning_rate"
SEARCHES = with_changes(
    experiment_manifest("advice"),
    {
        "spec.models[0].architecture": "deepfm",
        "spec.models[0].search": {"learning_rate": {"float": {"low": "1e-4", "high": "1e-2", "log": True}}},
    },
)
SOURCE = {"uri": "file:///c.csv", "format": "csv", "header": False}


def _parse(text: str) -> Experiment:
    (experiment,) = parse_manifests(text, "experiment.yaml")
    assert isinstance(experiment, Experiment)
    return experiment


def _text(changes: dict[str, Any], old: str = "", new: str = "") -> str:
    text = json.dumps(with_changes(SEARCHES, changes), indent=2)
    assert old in text
    return text.replace(old, new, 1)


def _message(text: str) -> str:
    with pytest.raises(InvalidSpec) as error:
        _parse(text)
    return str(error.value)


@dataclass(frozen=True)
class Unquoted:
    """A value that YAML does not read as the text that was meant."""

    spelled: str
    path: str
    """Field that must be text."""


COLUMN = "spec.dataset.label.column"
WORDS = ["NO", "no", "No", "on", "off", "yes", "TRUE", "False"]
NUMBERS = ["0123", "007", "0o17", "0x1F", "0b11", "1e3", "1_000", "1.0", "-1", ".5", ".inf", "-.INF", ".nan"]
UNQUOTED = [
    *(Unquoted(spelled, COLUMN) for spelled in WORDS + NUMBERS),
    *(Unquoted(spelled, "spec.dataset.source.columns[1]") for spelled in ("NO", "0123", "on", "~", "null")),
    *(Unquoted(spelled, "spec.dataset.split.values.train") for spelled in ("0", "00", "False")),
    Unquoted("1e-4", f"{LEARNING_RATE}.float.low"),
    Unquoted("0.0001", f"{LEARNING_RATE}.float.low"),
    Unquoted("0.001", "spec.analysis.margin"),
    *(Unquoted(spelled, "spec.models[0].parameters.batch_norm") for spelled in ("True", "false", "yes", "on")),
    Unquoted("1e-1", "spec.models[0].parameters.dropout"),
    Unquoted("[064, 32]", "spec.models[0].parameters.hidden_units"),
    Unquoted("0.5", "spec.runtime.resources.limits.cpu"),
]
PARENTS = {
    "spec.dataset.source": SOURCE | {"columns": ["a", "b"]},
    "spec.dataset.split": {"strategy": "Predefined", "column": "part", "values": {}},
    "spec.models[0].parameters": {},
    "spec.runtime": {"resources": {"limits": {}}},
}


@pytest.mark.parametrize("case", UNQUOTED, ids=lambda case: f"{case.path.rpartition('.')[2]} {case.spelled}")
def test_text_is_quoted_as_it_is_spelled(case: Unquoted) -> None:
    parents = {path: value for path, value in PARENTS.items() if case.path.startswith(path)}
    text = _text(parents | {case.path: "PLACEHOLDER"})
    message = _message(text.replace('"PLACEHOLDER"', case.spelled))
    assert message.startswith(f"{case.path}: expected ")
    quoted = re.search(r'write it in quotes: ("[^"]*")$', message)
    assert quoted, message
    assert quoted[1].strip('"') == case.spelled.strip("[]").replace(" ", "")
    corrected = _parse(text.replace('"PLACEHOLDER"', quoted[1]))
    assert repr(quoted[1].strip('"')) in repr(corrected).replace('"', "'")


@pytest.mark.parametrize("spelled", [".inf", "1_000", "0x10", ".nan"])
def test_quotes_are_not_advised_where_the_text_is_invalid_too(spelled: str) -> None:
    message = _message(_text({}, '"1e-4"', spelled))
    assert "in quotes" not in message
    assert message.endswith(f'expected a finite decimal number such as "0.001" or "1e-3", not {spelled}')


@pytest.mark.parametrize("spelled", ["12:30:00", "2024-01-05", "2001-12-14t21:59:43.10-05:00", "190:20:30.15"])
def test_times_and_dates_are_text_as_in_kubernetes(spelled: str) -> None:
    experiment = _parse(_text({COLUMN: "PLACEHOLDER"}, '"PLACEHOLDER"', spelled))
    assert experiment.spec.dataset.label is not None
    assert experiment.spec.dataset.label.column == spelled


@pytest.mark.parametrize(
    ("path", "spelled", "corrected"),
    [
        ("spec.tuning.trials", '"20"', 20),
        ("spec.tuning.trials", "1e3", 1000),
        ("spec.tuning.trials", "20.0", 20),
        ("spec.suspend", '"yes"', True),
        ("spec.suspend", '"False"', False),
        ("spec.suspend", "0", False),
    ],
)
def test_numbers_and_truth_values_are_written_without_quotes(path: str, spelled: str, corrected: object) -> None:
    text = _text({path: "PLACEHOLDER"})
    advice = re.search(r"; write (?:it without quotes: )?(\S+)$", _message(text.replace('"PLACEHOLDER"', spelled)))
    assert advice
    assert yaml.safe_load(advice[1]) is corrected or yaml.safe_load(advice[1]) == corrected
    _parse(text.replace('"PLACEHOLDER"', advice[1]))


@pytest.mark.parametrize(
    ("path", "given", "meant"),
    [
        ("spec.tuning.sampler", "tpe", "TPE"),
        ("spec.dataset.source.format", "CSV", "csv"),
        ("spec.dataset.split.strategy", "random", "Random"),
        ("spec.analysis.primaryMetric", "AUC", "auc"),
        ("spec.dataset.features[0].type", "Categorial", "Categorical"),
    ],
)
def test_a_misspelled_choice_names_the_one_that_is_meant(path: str, given: str, meant: str) -> None:
    assert _message(_text({path: given})).endswith(f"; did you mean {meant}?")
    _parse(_text({path: meant}))


def test_a_key_that_yaml_reads_as_true_is_explained() -> None:
    text = _text({}, '"column": "click"', '"column": "click", on: x')
    assert "unknown field: YAML reads a key such as on as true" in _message(text)


def test_no_message_shows_a_regular_expression() -> None:
    patterns = {pattern for kind in KINDS for pattern in re.findall(r"'pattern': ('[^']*')", repr(root_schema(kind)))}
    from ctrlab_api.schema_types import PATTERN_DESCRIPTIONS

    assert patterns
    assert patterns <= {repr(expression) for expression in PATTERN_DESCRIPTIONS}


@pytest.mark.parametrize(
    ("choices", "advice"),
    [
        (["0.001", "1e-3"], '"0.001" and "1e-3" are the same value; remove one of them'),
        (["1", "0.5", "1.0"], '"1" and "1.0" are the same value'),
        (["0.1", "0.2", "1E-1", "0.10"], '"0.1" and "1E-1" are the same value'),
    ],
)
def test_choices_that_are_equal_by_value_are_rejected(choices: list[str], advice: str) -> None:
    assert f"{LEARNING_RATE}.categorical: {advice}" in _message(_text({LEARNING_RATE: {"categorical": choices}}))
    _parse(_text({LEARNING_RATE: {"categorical": choices[:1]}}))


def test_lists_that_are_equal_by_value_are_rejected() -> None:
    search = {"spec.models[0].search": {"hidden_units": {"categorical": ["400,400", "400, 400", "200"]}}}
    assert '"400,400" and "400, 400" are the same value' in _message(_text(search))


@pytest.mark.parametrize(
    ("dimension", "message"),
    [
        ({"float": {"low": "0.1", "high": "0.2", "step": "0.5"}}, "0.1 would be the only value, and 0.2 would never"),
        ({"float": {"low": "0.2", "high": "0.1"}}, "low must be below high, not 0.2 and 0.1"),
        ({"float": {"low": "0", "high": "0.1", "log": True}}, "a log scale needs low above 0, not 0"),
    ],
)
def test_a_range_that_is_not_searched_is_rejected(dimension: dict[str, Any], message: str) -> None:
    assert message in _message(_text({LEARNING_RATE: dimension}))


@pytest.mark.parametrize(
    ("dimension", "note"),
    [
        ({"int": {"low": 2, "high": 9, "step": 2}}, "high 9 is never tried, because step does not divide the range; "),
        ({"int": {"low": 1, "high": 9, "step": 2}}, None),
        ({"categorical": ["1", "2"]}, None),
    ],
)
def test_a_step_that_does_not_divide_the_range_is_noted(dimension: dict[str, Any], note: str | None) -> None:
    notes = search_space_notes(_parse(_text({"spec.models[0].search": {"epochs": dimension}})))
    assert [text.message[: len(note or "")] for text in notes] == ([] if note is None else [note])


def test_a_float_step_that_divides_the_range_up_to_rounding_is_not_noted() -> None:
    dimension = {"float": {"low": "0.1", "high": "0.7", "step": "0.2"}}
    assert search_space_notes(_parse(_text({"spec.models[0].search": {"dropout": dimension}}))) == []
