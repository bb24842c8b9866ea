"""Children of an ablation are told from those of an experiment, also of one that has the same name."""

import json
from typing import Any

import pytest

from ctrlab_api.plan import Plan
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner import ablation_facts, as_experiment
from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ResourceRef, experiment_of
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, EXPERIMENT, JOB
from ctrlab_operator.manifests.child_metadata import MAX_NAME_LENGTH, child_labels, child_name, owner
from ctrlab_operator.manifests.plan_config_maps import plan_config_map


@pytest.fixture
def both(make: Any) -> tuple[tuple[Experiment, Plan], tuple[Experiment, Plan]]:
    """An experiment and its ablation, both called study."""
    experiment: Experiment = make()
    spec = {"experimentRef": {"name": "study"}, "model": "FM", "variants": [{"name": "v", "remove": ["fm"]}]}
    metadata = {"name": "study", "namespace": "team", "uid": "u2"}
    ablation = Ablation.model_validate_json(json.dumps({"metadata": metadata, "spec": spec}))
    plan = ablation_facts(ablation, experiment).plan
    assert plan is not None
    return (experiment, Plan.from_experiment(experiment)), (as_experiment(ablation, experiment), plan)


def test_names_differ_and_stay_short(both: Any) -> None:
    (experiment, plan), (ablation, changed) = both
    assert child_name(experiment, plan, "evaluate") == "study-evaluate"
    assert child_name(ablation, changed, "evaluate").startswith("study-evaluate-")
    job = f"tune-{'x' * 60}"
    long = [child_name(experiment, plan, job), child_name(ablation, changed, job)]
    assert len(set(long)) == 2
    assert all(len(name) <= MAX_NAME_LENGTH for name in long)


def test_the_owner_is_the_ablation_and_the_labels_name_both(both: Any) -> None:
    _, (ablation, plan) = both
    assert (owner(ablation, plan)["kind"], owner(ablation, plan)["uid"]) == ("Ablation", "u2")
    labels = child_labels(ablation, plan, "tune")
    assert (labels["ctrlab.dev/experiment"], labels["ctrlab.dev/ablation"]) == ("study", "study")
    assert plan_config_map(ablation, plan)["metadata"]["labels"]["ctrlab.dev/ablation"] == "study"


def test_a_child_belongs_to_one_of_them_alone(both: Any) -> None:
    cache = ObjectCache()
    for version, (experiment, plan) in enumerate(both):
        metadata = {
            "name": child_name(experiment, plan, "prepare"),
            "namespace": "team",
            "uid": str(version),
            "resourceVersion": str(version + 1),
            "labels": child_labels(experiment, plan, "prepare"),
        }
        cache.put(JOB, {"metadata": metadata, "spec": {"template": {}}, "status": {}})
    study, parts = ResourceRef("team", "study"), ResourceRef("team", "study", ABLATION)
    assert [job["metadata"]["name"] for job in cache.children(JOB, study)] == ["study-prepare"]
    (own,) = cache.children(JOB, parts)
    assert experiment_of(JOB, own) == parts
    assert study.selector == "ctrlab.dev/experiment=study,!ctrlab.dev/ablation"
    assert parts.selector == "ctrlab.dev/ablation=study"


def test_the_ablations_of_an_experiment_are_known_before_it_is(both: Any) -> None:
    cache = ObjectCache()
    for name, experiment in (("a", "study"), ("b", "other")):
        metadata = {"name": name, "namespace": "team", "uid": name, "resourceVersion": "1"}
        cache.put(ABLATION, {"metadata": metadata, "spec": {"experimentRef": {"name": experiment}}})
    assert cache.ablations_of(ResourceRef("team", "study")) == [ResourceRef("team", "a", ABLATION)]
    assert cache.ablations_of(ResourceRef("elsewhere", "study")) == []
    assert cache.refs(EXPERIMENT) == set()
