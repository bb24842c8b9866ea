"""Children of an ablation and of an experiment are distinguished, also if both have the same name."""

from typing import Any

import pytest
from builders import make_ablation

from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner import ablation_facts, as_experiment
from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ResourceRef, owning_resource
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, EXPERIMENT, JOB
from ctrlab_operator.manifests.child_metadata import MAX_NAME_LENGTH, child_labels, child_name, owner_reference
from ctrlab_operator.manifests.plan_config_maps import plan_config_map


@pytest.fixture
def experiment_and_ablation(make: Any) -> tuple[tuple[Experiment, Plan], tuple[Experiment, Plan]]:
    """An experiment and its ablation, both with the name study, each with its plan."""
    experiment: Experiment = make()
    ablation = make_ablation("study", metadata={"namespace": "team", "uid": "u2"})
    plan = ablation_facts(ablation, experiment).plan
    assert plan is not None
    return (experiment, Plan.from_experiment(experiment)), (as_experiment(ablation, experiment), plan)


def test_names_differ_and_have_a_limited_length(experiment_and_ablation: Any) -> None:
    (experiment, plan), (ablation, ablation_plan) = experiment_and_ablation
    assert child_name(experiment, plan, "evaluate") == "study-evaluate"
    assert child_name(ablation, ablation_plan, "evaluate").startswith("study-evaluate-")
    job = f"tune-{'x' * 60}"
    names = [child_name(experiment, plan, job), child_name(ablation, ablation_plan, job)]
    assert len(set(names)) == 2
    assert all(len(name) <= MAX_NAME_LENGTH for name in names)


def test_the_owner_is_the_ablation_and_the_labels_name_both(experiment_and_ablation: Any) -> None:
    _, (ablation, plan) = experiment_and_ablation
    owner = owner_reference(ablation, plan)
    assert (owner["kind"], owner["uid"]) == ("Ablation", "u2")
    labels = child_labels(ablation, plan, "tune")
    assert (labels["ctrlab.dev/experiment"], labels["ctrlab.dev/ablation"]) == ("study", "study")
    assert plan_config_map(ablation, plan)["metadata"]["labels"]["ctrlab.dev/ablation"] == "study"


def test_a_child_belongs_to_exactly_one_of_them(experiment_and_ablation: Any) -> None:
    cache = ObjectCache()
    for version, (experiment, plan) in enumerate(experiment_and_ablation):
        metadata = {
            "name": child_name(experiment, plan, "prepare"),
            "namespace": "team",
            "uid": str(version),
            "resourceVersion": str(version + 1),
            "labels": child_labels(experiment, plan, "prepare"),
        }
        cache.put(JOB, {"metadata": metadata, "spec": {"template": {}}, "status": {}})
    experiment_ref, ablation_ref = ResourceRef("team", "study"), ResourceRef("team", "study", ABLATION)
    assert [job["metadata"]["name"] for job in cache.children(JOB, experiment_ref)] == ["study-prepare"]
    (ablation_job,) = cache.children(JOB, ablation_ref)
    assert owning_resource(JOB, ablation_job) == ablation_ref
    assert experiment_ref.selector == "ctrlab.dev/experiment=study,!ctrlab.dev/ablation"
    assert ablation_ref.selector == "ctrlab.dev/ablation=study"


def test_the_cache_returns_ablations_of_an_experiment_that_it_lacks(experiment_and_ablation: Any) -> None:
    cache = ObjectCache()
    for name, experiment in (("a", "study"), ("b", "other")):
        metadata = {"name": name, "namespace": "team", "uid": name, "resourceVersion": "1"}
        cache.put(ABLATION, {"metadata": metadata, "spec": {"experimentRef": {"name": experiment}}})
    assert cache.ablations_of(ResourceRef("team", "study")) == [ResourceRef("team", "a", ABLATION)]
    assert cache.ablations_of(ResourceRef("elsewhere", "study")) == []
    assert cache.refs(EXPERIMENT) == set()
