"""Loading resources from YAML: problems of the file itself, and YAML that does not mean what it seems to."""

import json
from pathlib import Path

import pytest
import yaml
from builders import with_changes
from resource_examples import ABLATION, EXPERIMENT, MINIMAL_EXPERIMENT

from ctrlab_api.errors import InvalidSpec
from ctrlab_api.loading.resource_loading import load_manifests, parse_manifests
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment


def _error_message(text: str) -> str:
    with pytest.raises(InvalidSpec) as error:
        parse_manifests(text, "experiment.yaml")
    return str(error.value)


def test_documents_are_returned_in_order() -> None:
    text = f"{json.dumps(ABLATION)}\n---\n{json.dumps(EXPERIMENT)}\n---\n"
    assert [type(resource) for resource in parse_manifests(text, "x")] == [Ablation, Experiment]


def test_anchors_share_a_search_space() -> None:
    shared = with_changes(EXPERIMENT, {"spec.models[1].search": {"dropout": {"categorical": ["0", "0.5"]}}})
    search = shared["spec"]["models"][0]["search"] = shared["spec"]["models"][1]["search"]
    text = yaml.safe_dump(shared)
    assert "&id" in text
    (experiment,) = parse_manifests(text, "x")
    assert isinstance(experiment, Experiment)
    assert [list(model.search or ()) for model in experiment.spec.models] == [list(search), list(search)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "experiment.yaml: the file contains no resource"),
        ("# nothing\n---\n", "the file contains no resource"),
        ("spec: [", "experiment.yaml: not valid YAML"),
        ("a: 1\na: 2\n", "the key 'a' is given twice"),
        ("? [a, b]\n: 1\n", "not valid YAML: while constructing a mapping"),
        ("a: !!set {b, c}\n", "could not determine a constructor for the tag 'tag:yaml.org,2002:set'"),
        ("- 1\n", "(document): expected a mapping with apiVersion, kind, metadata and spec"),
        ("kind: CTRExperiment\n", "apiVersion: expected ctrlab.dev/v1alpha1, not None"),
        ("apiVersion: ctrlab.dev/v1alpha1\nkind: Experiment\n", "kind: expected one of CTRExperiment, Ablation"),
        ("apiVersion: ctrlab.dev/v1alpha1\nkind: Ablation\n", "metadata: required, but missing"),
    ],
)
def test_a_file_without_a_valid_resource_is_rejected(text: str, message: str) -> None:
    assert message in _error_message(text)


def test_every_problem_of_a_file_is_reported_with_its_resource() -> None:
    bad = with_changes(MINIMAL_EXPERIMENT, {"spec.tuning.trials": 0, "spec.evaluation.seeds.count": 4})
    message = _error_message(yaml.safe_dump_all([bad, with_changes(ABLATION, {"spec.variants": []})]))
    assert [line.split(":")[0] for line in message.splitlines()] == [
        "CTRExperiment/shortest spec.tuning.trials",
        "CTRExperiment/shortest spec.evaluation.seeds.count",
        "Ablation/sin-parts spec.variants",
    ]


@pytest.mark.parametrize("number", ["1e-4", "0.0001", "1E+2", "5"])
def test_a_bound_without_quotes_is_a_number_as_in_kubernetes(number: str) -> None:
    text = json.dumps(EXPERIMENT).replace('"low": "1e-4"', f'"low": {number}')
    assert number in text
    assert "spec.models[0].search.learning_rate.float.low: expected text, not" in _error_message(text)


def test_the_join_key_of_a_side_table_is_not_a_yaml_boolean() -> None:
    text = yaml.safe_dump(EXPERIMENT).replace("joinOn:", "on:")
    assert "on: item_id" in text
    assert "tables[0].joinOn: required, but missing" in _error_message(text)
    assert "tables[0].true: unknown field" in _error_message(text)


def test_a_date_is_text_as_in_kubernetes() -> None:
    uri = '"uri": "builtin://synthetic"'
    text = json.dumps(MINIMAL_EXPERIMENT).replace(uri, f'{uri}, "options": {{"until": 2026-02-03T04:05:06Z}}')
    (experiment,) = parse_manifests(text, "x")
    assert isinstance(experiment, Experiment)
    assert (experiment.spec.dataset.source.options or {})["until"] == "2026-02-03T04:05:06Z"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match=r"absent\.yaml: no such file"):
        load_manifests(tmp_path / "absent.yaml")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: ü".encode("latin-1"))
    with pytest.raises(InvalidSpec, match=r"latin\.yaml: cannot be read"):
        load_manifests(latin)


def test_an_architecture_of_a_users_image_is_accepted() -> None:
    resource = with_changes(
        MINIMAL_EXPERIMENT, {"spec.models[0].architecture": "my_model", "spec.models[0].parameters": {"x": 1}}
    )
    assert "unknown architecture 'my_model'" in _error_message(yaml.safe_dump(resource))
    assert parse_manifests(yaml.safe_dump(with_changes(resource, {"spec.runtime.image": "registry/mine"})), "x")
