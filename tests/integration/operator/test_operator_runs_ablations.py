"""Ablations: they wait for their experiment, run to their report, and outlive the experiment."""

import signal
from collections import Counter
from typing import Any

from builders import FM, small_spec
from fake_cluster.cluster import Cluster, journal_of

from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, CONFIG_MAP, JOB
from ctrlab_store import open_store


def ablation_spec(experiment: str = "study", **changes: Any) -> Manifest:
    """Return the spec of an ablation of the tuned model of `small_spec`."""
    return {
        "experimentRef": {"name": experiment},
        "model": "FM",
        "variants": [{"name": "no-linear", "remove": ["linear"]}, {"name": "slow", "set": {"learning_rate": "0.0001"}}],
        **changes,
    }


def one_model_spec() -> Manifest:
    return small_spec(models=[FM])


def assert_waiting(cluster: Cluster, name: str, message: str) -> None:
    def is_waiting() -> bool:
        ready = cluster.condition(name, "Ready", ABLATION)
        return ready.get("reason") == "WaitingForExperiment" and message in ready["message"]

    cluster.wait(is_waiting)
    assert cluster.stage(name, ABLATION) == "Pending"
    assert cluster.condition(name, "Stalled", ABLATION)["status"] == "False"


def slow_down(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "0.5"}


def test_an_ablation_created_before_its_experiment_ends_in_a_report_and_outlives_it(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create_ablation("parts", ablation_spec())
    assert_waiting(cluster, "parts", f"waiting for CTRExperiment {cluster.namespace}/study to be created")
    cluster.create("study", one_model_spec())
    cluster.wait_for_stage("study", "Tuning")
    assert_waiting(cluster, "parts", "to succeed (stage Tuning)")
    assert not [job for job in cluster.job_names() if job.startswith("parts-")]
    cluster.stop_operator(signal.SIGKILL)
    cluster.start_operator(CTRLAB_POD_NAME="operator-0")
    # The Event is created after the status, and is lost if the operator is killed in between.
    cluster.wait_for_event("Evaluating", ABLATION)
    cluster.stop_operator(signal.SIGKILL)
    cluster.start_operator(CTRLAB_POD_NAME="operator-0")

    cluster.wait_for_stage("parts", "Succeeded", "Failed", kind=ABLATION)

    finished = cluster.experiment("parts", ABLATION)
    status = finished["status"]
    assert status["stage"] == "Succeeded", status
    assert (status["seeds"], "trials" in status) == ("5/5", False)
    assert [model["name"] for model in status["models"]] == ["FM", "no-linear", "slow"]
    assert f"/{cluster.namespace}/parts/{finished['metadata']['uid']}/report/" in status["report"]["uri"]
    work = Counter(entry for entry in journal_of(cluster) if entry[0] in ("trial", "run"))
    assert Counter(kind for kind, _ in work) == {"trial": 8, "run": 15}
    assert "finalizers" not in finished["metadata"]
    reasons = [reason for _, reason in cluster.wait_for_event("Succeeded", ABLATION)]
    assert reasons == ["Pending", "Preparing", "Tuning", "Evaluating", "Reporting", "Succeeded"]

    cluster.delete("study")
    cluster.wait(lambda: not [job for job in cluster.job_names() if job.startswith("study-")])
    cluster.stop_operator(signal.SIGTERM)
    cluster.start_operator()
    cluster.create_ablation("later", ablation_spec(suspend=True))
    cluster.wait_for_stage("later", "Suspended", kind=ABLATION)
    assert cluster.experiment("parts", ABLATION)["status"] == status


def test_an_experiment_and_an_ablation_of_the_same_name_are_independent(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", one_model_spec())
    ablation = cluster.create_ablation(
        "study", ablation_spec(runtime={"queueName": "ablations", "env": [{"name": "A", "value": "b"}]})
    )

    cluster.wait_for_stage("study", "Succeeded", "Failed", kind=ABLATION)

    assert cluster.stage("study", ABLATION) == "Succeeded"
    jobs = cluster.api.list(JOB, cluster.namespace, "ctrlab.dev/ablation=study")
    assert {job["metadata"]["annotations"]["ctrlab.dev/job"] for job in jobs} >= {"prepare", "report"}
    pods = [
        pod for pod in cluster.kubelet.started_pods if pod["metadata"]["labels"].get("ctrlab.dev/ablation") == "study"
    ]
    assert {pod["metadata"]["labels"]["ctrlab.dev/phase"] for pod in pods} == {"prepare", "evaluate", "report"}
    for child in (*jobs, *cluster.api.list(CONFIG_MAP, cluster.namespace, "ctrlab.dev/ablation=study")):
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Ablation", ablation["metadata"]["uid"])
        assert child["metadata"]["labels"]["ctrlab.dev/experiment"] == "study"
    for job in jobs:
        assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "ablations"
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert {"name": "A", "value": "b"} in container["env"]
    assert cluster.api.list(JOB, cluster.namespace, "ctrlab.dev/experiment=study,!ctrlab.dev/ablation")


def test_invalid_variants_stall_the_ablation_with_what_is_allowed(cluster: Cluster) -> None:
    invalid: dict[str, tuple[list[Manifest], str]] = {
        "part": ([{"name": "v", "remove": ["cin"]}], "FM has no removable part 'cin'; known: fm, linear"),
        "parameter": ([{"name": "v", "set": {"depth": 3}}], "set.depth: FM has no such parameter; known: "),
        "feature": ([{"name": "v", "dropFeatures": ["age"]}], "the data set has no feature 'age'; known: item_id"),
        "branches": (
            [{"name": "v", "remove": ["fm", "linear"]}],
            "nothing of FM would be left: keep one of linear, fm",
        ),
    }
    cluster.start_operator()
    cluster.create("study", small_spec(suspend=True))
    for name, (variants, _) in invalid.items():
        cluster.create_ablation(name, ablation_spec(variants=variants))
    cluster.create_ablation("model", ablation_spec(model="DeepFM"))

    for name, message in [(name, message) for name, (_, message) in invalid.items()] + [
        ("model", "spec.model: study has no model 'DeepFM'; known: FM, LR")
    ]:
        stalled = cluster.wait_for_condition(name, "Stalled", "InvalidSpec", ABLATION)
        assert stalled["status"] == "True"
        assert message in stalled["message"]
        assert cluster.condition(name, "Ready", ABLATION)["status"] == "False"
    assert ("Warning", "InvalidSpec") in cluster.wait_for_event("InvalidSpec", ABLATION)

    cluster.change("model", {"model": "FM"}, ABLATION)
    assert_waiting(cluster, "model", "to succeed (stage Suspended)")
    assert not cluster.job_names()


def test_a_failed_experiment_stalls_its_ablation(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_EXIT": "prepare=42"}
    cluster.start_operator()
    cluster.create_ablation("parts", ablation_spec())
    cluster.create("study", one_model_spec())

    stalled = cluster.wait_for_condition("parts", "Stalled", "ParentFailed", ABLATION)
    assert "run the experiment again, or delete this ablation" in stalled["message"]


def test_suspending_and_deleting_an_ablation_affect_only_its_own_pods(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", one_model_spec())
    cluster.wait_for_stage("study", "Succeeded")
    slow_down(cluster)
    ablation = cluster.create_ablation("parts", ablation_spec())
    cluster.wait(lambda: cluster.stage("parts", ABLATION) == "Evaluating" and cluster.kubelet.running)

    cluster.change("parts", {"suspend": True}, ABLATION)
    cluster.wait_for_stage("parts", "Suspended", kind=ABLATION)
    cluster.wait(lambda: not cluster.kubelet.running)
    cluster.change("parts", {"suspend": False}, ABLATION)
    cluster.wait(lambda: cluster.stage("parts", ABLATION) == "Evaluating" and cluster.kubelet.running)

    cluster.delete("parts", ABLATION)
    cluster.wait(lambda: not cluster.kubelet.running)
    cluster.wait(lambda: not cluster.api.list(JOB, cluster.namespace, "ctrlab.dev/ablation=parts"))
    cluster.wait(lambda: not cluster.api.list(CONFIG_MAP, cluster.namespace, "ctrlab.dev/ablation=parts"))
    assert "study-report" in cluster.job_names()
    environment = cluster.store_environment
    folder = f"{cluster.namespace}/parts/{ablation['metadata']['uid']}"
    assert open_store(cluster.bucket, environment).exists(f"{folder}/plan.json")


def test_deleting_the_experiment_of_a_running_ablation_stops_it_with_a_reason(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", one_model_spec())
    cluster.wait_for_stage("study", "Succeeded")
    slow_down(cluster)
    cluster.create_ablation("parts", ablation_spec())
    cluster.wait(lambda: cluster.stage("parts", ABLATION) == "Evaluating" and cluster.kubelet.running)

    cluster.delete("study")

    stalled = cluster.wait_for_condition("parts", "Stalled", "ExperimentDeleted", ABLATION)
    assert f"CTRExperiment {cluster.namespace}/study was deleted before this ablation ended" in stalled["message"]
    cluster.wait(lambda: not cluster.kubelet.running)
