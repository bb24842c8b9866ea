"""The plan digest depends on everything that the result depends on, and on nothing else."""

import json
import random
from typing import Any

import pytest
from builders import ABSENT, with_changes
from hypothesis import given
from hypothesis import strategies as st
from resource_examples import ACCEPTED, EXPERIMENT

from ctrlab_api.canonical_json import canonical_json, digest, short_digest
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment

UNPLANNED: list[dict[str, Any]] = [
    {"spec.tuning.workers": 9},
    {"spec.suspend": True},
    {"spec.runtime": ABSENT},
    {"spec.runtime.gpu": 4, "spec.runtime.image": "other"},
    {"spec.storage": ABSENT},
    {"spec.storage.artifacts": "s3://other"},
    {"metadata.name": "another-name"},
    {"metadata.labels": {"a": "b"}},
]
"""Changes that do not change the plan."""

PLANNED: list[dict[str, Any]] = [
    {"spec.dataset.source.uri": "s3://other/"},
    {"spec.dataset.source.header": False},
    {"spec.dataset.label.positiveWhen": ">= 3"},
    {"spec.dataset.features[0].minFrequency": 4},
    {"spec.dataset.features[2]": {"name": "price", "type": "Numeric"}},
    {"spec.dataset.time": "ts"},
    {"spec.dataset.split.fractions": ["0.7", "0.2", "0.1"]},
    {"spec.dataset.split.seed": 8},
    {"spec.dataset.preprocessing.minFrequency": 3},
    {"spec.dataset.negatives.seed": 8},
    {"spec.models[0].name": "SIN2"},
    {"spec.models[0].architecture": "bst", "spec.models[0].parameters": {}},
    {"spec.models[0].parameters.fusion": "gate"},
    {"spec.models[0].search.learning_rate.float.high": "1e-1"},
    {"spec.tuning.sampler": "Random"},
    {"spec.tuning.pruner.warmupEpochs": 2},
    {"spec.tuning.trials": 21},
    {"spec.tuning.seed": 2},
    {"spec.tuning.maxFailedTrials": 1},
    {"spec.tuning.timeout": ABSENT},
    {"spec.tuning.mode": "Synchronous"},
    {"spec.evaluation.seeds.count": 9},
    {"spec.evaluation.seeds.max": 21},
    {"spec.evaluation.seeds.base": 1},
    {"spec.evaluation.precision.halfWidth": "0.001"},
    {"spec.analysis.metrics": ["auc", "gauc", "ne"]},
    {"spec.analysis.reference": ABSENT},
    {"spec.analysis.compare": "AllPairs"},
    {"spec.analysis.confidence": "0.99"},
    {"spec.analysis.correction": "None"},
    {"spec.analysis.margin": ABSENT},
]
"""Changes that change the plan."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _plan(content: dict[str, Any]) -> Plan:
    return Plan.from_experiment(Experiment.model_validate_json(json.dumps(content)))


def _shuffled(content: Any, order: random.Random) -> Any:
    if isinstance(content, dict):
        keys = list(content)
        order.shuffle(keys)
        return {key: _shuffled(content[key], order) for key in keys}
    return [_shuffled(element, order) for element in content] if isinstance(content, list) else content


@given(st.randoms(use_true_random=False), st.sampled_from([None, 1, 4]))
def test_the_digest_does_not_depend_on_the_formatting(order: random.Random, indent: int | None) -> None:
    text = json.dumps(_shuffled(EXPERIMENT, order), indent=indent)
    assert Plan.from_experiment(Experiment.model_validate_json(text)).digest == _plan(EXPERIMENT).digest


@given(st.lists(st.sampled_from(UNPLANNED), min_size=1, max_size=4))
def test_changes_that_do_not_affect_the_result_keep_the_digest(changes: list[dict[str, Any]]) -> None:
    content = EXPERIMENT
    for change in changes:
        present = {
            path: value
            for path, value in change.items()
            if value is not ABSENT or path.split(".")[1] in content["spec"]
        }
        content = with_changes(content, present)
    assert _plan(content).digest == _plan(EXPERIMENT).digest


@given(st.sampled_from(PLANNED), st.sampled_from(UNPLANNED))
def test_every_other_change_changes_the_digest(planned: dict[str, Any], unplanned: dict[str, Any]) -> None:
    assert _plan(with_changes(with_changes(EXPERIMENT, unplanned), planned)).digest != _plan(EXPERIMENT).digest


def test_all_changed_plans_have_different_digests() -> None:
    digests = [_plan(with_changes(EXPERIMENT, change)).digest for change in PLANNED]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("content", [c for c in ACCEPTED.values() if c["kind"] == "CTRExperiment"])
def test_plans_round_trip_through_json_and_explicit_defaults_equal_absent_ones(content: dict[str, Any]) -> None:
    present = {name: value for name, value in content["spec"].items() if value is not None}
    present["dataset"] = {name: value for name, value in present["dataset"].items() if value is not None}
    plan = _plan(content | {"spec": present})
    assert Plan.model_validate_json(plan.to_json()) == plan
    complete = Experiment.model_validate_json(json.dumps(content | {"spec": present})).model_dump(
        mode="json", by_alias=True
    )
    assert _plan(complete).digest == plan.digest


def test_on_one_machine_the_plan_digest_is_the_uid() -> None:
    experiment = Experiment.model_validate_json(json.dumps(EXPERIMENT))
    plan = Plan.from_experiment(experiment)
    assert ExperimentKey.for_local_run(experiment.metadata, plan.digest).uid == short_digest(plan.digest)
    assert len(short_digest(plan.digest)) == 12


@given(st.dictionaries(st.text(), JSON, max_size=4), st.randoms(use_true_random=False))
def test_equal_content_has_equal_canonical_json(content: dict[str, Any], order: random.Random) -> None:
    text = canonical_json(content)
    assert json.loads(text) == content
    assert canonical_json(_shuffled(content, order)) == text
    assert canonical_json(json.loads(text)) == text
    assert digest(content) == digest(text)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_cannot_represent_have_no_digest(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": number})
