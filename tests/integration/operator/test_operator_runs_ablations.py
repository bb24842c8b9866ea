"""Ablations through the operator: they wait for their experiment, run to their report, and outlive it."""

import signal
from collections import Counter
from typing import Any

from fake_cluster.cluster import Cluster, journal_of, spec

from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, CONFIG_MAP, JOB
from ctrlab_store import open_store


def of(experiment: str = "study", **changes: Any) -> Manifest:
    """An ablation of the tuned model of `fake_cluster.cluster.spec`."""
    return {
        "experimentRef": {"name": experiment},
        "model": "FM",
        "variants": [{"name": "no-linear", "remove": ["linear"]}, {"name": "slow", "set": {"learning_rate": "0.0001"}}],
        **changes,
    }


def one_model() -> Manifest:
    return spec(models=[spec()["models"][0]])


def waits_for(cluster: Cluster, name: str, text: str) -> None:
    def said() -> bool:
        ready = cluster.condition(name, "Ready", ABLATION)
        return ready.get("reason") == "WaitingForExperiment" and text in ready["message"]

    cluster.wait(said)
    assert cluster.stage(name, ABLATION) == "Pending"
    assert cluster.condition(name, "Stalled", ABLATION)["status"] == "False"


def slow(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_PAUSE": "0.5"}


def test_an_ablation_made_before_its_experiment_ends_in_a_report_and_outlives_it(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create_ablation("parts", of())
    waits_for(cluster, "parts", f"waiting for CTRExperiment {cluster.namespace}/study to be created")
    cluster.create("study", one_model())
    cluster.wait_for_stage("study", "Tuning")
    waits_for(cluster, "parts", "to succeed (stage Tuning)")
    assert not [job for job in cluster.job_names() if job.startswith("parts-")]
    cluster.stop_operator(signal.SIGKILL)
    cluster.start_operator(CTRLAB_POD_NAME="operator-0")
    # The event comes after the status, and is lost with an operator that is killed in between.
    cluster.wait(lambda: "Evaluating" in [reason for _, reason in cluster.events(ABLATION)])
    cluster.stop_operator(signal.SIGKILL)
    cluster.start_operator(CTRLAB_POD_NAME="operator-0")

    cluster.wait_for_stage("parts", "Succeeded", "Failed", kind=ABLATION)

    done = cluster.experiment("parts", ABLATION)
    status = done["status"]
    assert status["stage"] == "Succeeded", status
    assert (status["seeds"], "trials" in status) == ("5/5", False)
    assert [model["name"] for model in status["models"]] == ["FM", "no-linear", "slow"]
    assert f"/{cluster.namespace}/parts/{done['metadata']['uid']}/report/" in status["report"]["uri"]
    work = Counter(found for found in journal_of(cluster) if found[0] in ("trial", "run"))
    assert Counter(kind for kind, _ in work) == {"trial": 8, "run": 15}
    assert "finalizers" not in done["metadata"]
    told = [reason for _, reason in cluster.events(ABLATION)]
    assert told == ["Pending", "Preparing", "Tuning", "Evaluating", "Reporting", "Succeeded"]

    cluster.delete("study")
    cluster.wait(lambda: not [job for job in cluster.job_names() if job.startswith("study-")])
    cluster.stop_operator(signal.SIGTERM)
    cluster.start_operator()
    cluster.create_ablation("later", of(suspend=True))
    cluster.wait_for_stage("later", "Suspended", kind=ABLATION)
    assert cluster.experiment("parts", ABLATION)["status"] == status


def test_an_experiment_and_an_ablation_of_one_name_do_not_meet(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", one_model())
    ablation = cluster.create_ablation(
        "study", of(runtime={"queueName": "ablations", "env": [{"name": "A", "value": "b"}]})
    )

    cluster.wait_for_stage("study", "Succeeded", "Failed", kind=ABLATION)

    assert cluster.stage("study", ABLATION) == "Succeeded"
    jobs = cluster.api.list(JOB, cluster.namespace, "ctrlab.dev/ablation=study")
    assert {job["metadata"]["annotations"]["ctrlab.dev/job"] for job in jobs} >= {"prepare", "report"}
    own = [
        pod for pod in cluster.kubelet.started_pods if pod["metadata"]["labels"].get("ctrlab.dev/ablation") == "study"
    ]
    assert {pod["metadata"]["labels"]["ctrlab.dev/phase"] for pod in own} == {"prepare", "evaluate", "report"}
    for child in (*jobs, *cluster.api.list(CONFIG_MAP, cluster.namespace, "ctrlab.dev/ablation=study")):
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Ablation", ablation["metadata"]["uid"])
        assert child["metadata"]["labels"]["ctrlab.dev/experiment"] == "study"
    for job in jobs:
        assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "ablations"
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert {"name": "A", "value": "b"} in container["env"]
    assert cluster.api.list(JOB, cluster.namespace, "ctrlab.dev/experiment=study,!ctrlab.dev/ablation")


def test_variants_that_do_not_fit_stall_it_with_what_is_known(cluster: Cluster) -> None:
    bad: dict[str, tuple[list[Manifest], str]] = {
        "part": ([{"name": "v", "remove": ["cin"]}], "FM has no removable part 'cin'; known: fm, linear"),
        "parameter": ([{"name": "v", "set": {"depth": 3}}], "set.depth: FM has no such parameter; known: "),
        "feature": ([{"name": "v", "dropFeatures": ["age"]}], "the data set has no feature 'age'; known: user"),
        "branches": (
            [{"name": "v", "remove": ["fm", "linear"]}],
            "nothing of FM would be left: keep one of linear, fm",
        ),
    }
    cluster.start_operator()
    cluster.create("study", spec(suspend=True))
    for name, (variants, _) in bad.items():
        cluster.create_ablation(name, of(variants=variants))
    cluster.create_ablation("model", of(model="DeepFM"))

    for name, message in [(name, said) for name, (_, said) in bad.items()] + [
        ("model", "spec.model: study has no model 'DeepFM'; known: FM, LR")
    ]:
        stalled = cluster.wait(lambda name=name: cluster.condition(name, "Stalled", ABLATION))  # type: ignore[misc]
        assert (stalled["status"], stalled["reason"]) == ("True", "InvalidSpec")
        assert message in stalled["message"]
        assert cluster.condition(name, "Ready", ABLATION)["status"] == "False"
    assert ("Warning", "InvalidSpec") in cluster.events(ABLATION)

    cluster.change("model", {"model": "FM"}, ABLATION)
    waits_for(cluster, "model", "to succeed (stage Suspended)")
    assert not cluster.job_names()


def test_a_failed_experiment_stalls_its_ablation(cluster: Cluster) -> None:
    cluster.kubelet.environment = {**cluster.kubelet.environment, "FAKE_EXIT": "prepare=42"}
    cluster.start_operator()
    cluster.create_ablation("parts", of())
    cluster.create("study", one_model())

    cluster.wait(lambda: cluster.condition("parts", "Stalled", ABLATION).get("reason") == "ParentFailed")

    message = cluster.condition("parts", "Stalled", ABLATION)["message"]
    assert "run the experiment again, or delete this ablation" in message


def test_suspending_and_deleting_stop_its_pods_and_nothing_of_its_experiment(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", one_model())
    cluster.wait_for_stage("study", "Succeeded")
    slow(cluster)
    ablation = cluster.create_ablation("parts", of())
    cluster.wait(lambda: cluster.stage("parts", ABLATION) == "Evaluating" and cluster.kubelet.running)

    cluster.change("parts", {"suspend": True}, ABLATION)
    cluster.wait_for_stage("parts", "Suspended", kind=ABLATION)
    cluster.wait(lambda: not cluster.kubelet.running)
    cluster.change("parts", {"suspend": False}, ABLATION)
    cluster.wait(lambda: cluster.stage("parts", ABLATION) == "Evaluating" and cluster.kubelet.running)

    cluster.delete("parts", ABLATION)
    cluster.wait(lambda: not cluster.kubelet.running)
    cluster.wait(lambda: not cluster.api.list(JOB, cluster.namespace, "ctrlab.dev/ablation=parts"))
    assert not cluster.api.list(CONFIG_MAP, cluster.namespace, "ctrlab.dev/ablation=parts")
    assert "study-report" in cluster.job_names()
    environment = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_ENDPOINT_URL": cluster.endpoint}
    folder = f"{cluster.namespace}/parts/{ablation['metadata']['uid']}"
    assert open_store(cluster.bucket, environment).exists(f"{folder}/plan.json")


def test_an_experiment_deleted_under_a_running_ablation_stops_it_and_says_so(cluster: Cluster) -> None:
    cluster.start_operator()
    cluster.create("study", one_model())
    cluster.wait_for_stage("study", "Succeeded")
    slow(cluster)
    cluster.create_ablation("parts", of())
    cluster.wait(lambda: cluster.stage("parts", ABLATION) == "Evaluating" and cluster.kubelet.running)

    cluster.delete("study")

    cluster.wait(lambda: cluster.condition("parts", "Stalled", ABLATION).get("reason") == "ExperimentDeleted")
    message = cluster.condition("parts", "Stalled", ABLATION)["message"]
    assert f"CTRExperiment {cluster.namespace}/study was deleted before this ablation ended" in message
    cluster.wait(lambda: not cluster.kubelet.running)
