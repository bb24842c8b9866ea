"""Every remedy that a message suggests works: an experiment continues after a user has followed it."""

from typing import Any

import pytest
from builders import FM, model_spec, small_spec
from fake_api_server import time_admission
from fake_cluster.cluster import Cluster

from ctrlab_operator.kubernetes_api.object_kinds import JOB, SECRET

STAGES = ("Preparing", "Tuning", "Evaluating", "Reporting", "Succeeded")


def wait_until_it_works(cluster: Cluster, name: str) -> None:
    cluster.wait_for_stage(name, *STAGES, seconds=60)
    cluster.wait(lambda: cluster.condition(name, "Ready").get("status") == "True", seconds=60)
    assert cluster.condition(name, "Stalled")["status"] == "False"


def test_a_secret_without_a_key_is_corrected(cluster: Cluster) -> None:
    cluster.add_secret("mine", AWS_ACCESS_KEY_ID="any")
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM], storage={"secretRef": {"name": "mine"}}))
    stalled = cluster.wait_for_condition("study", "Stalled", "SecretInvalid")
    assert "lacks the key AWS_SECRET_ACCESS_KEY; add it to the Secret" in stalled["message"]

    secret = cluster.api.get(SECRET, cluster.namespace, "mine")
    cluster.api.delete(SECRET, cluster.namespace, "mine", secret["metadata"]["uid"])
    cluster.add_secret("mine", AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any")
    wait_until_it_works(cluster, "study")


@pytest.mark.parametrize(
    ("settings", "spec", "reason", "advice", "remedy"),
    [
        (
            {"CTRLAB_DEFAULT_DATABASE_SECRET": ""},
            {},
            "StorageMissing",
            "spec.storage.databaseSecretRef must be set",
            {"storage": {"databaseSecretRef": {"name": "database"}}},
        ),
        (
            {},
            {"storage": {"secretRef": {"name": "mistyped"}}},
            "SecretMissing",
            "there is no Secret mistyped",
            {"storage": {"secretRef": {"name": "storage"}}},
        ),
        (
            {},
            {"models": [model_spec("FM", architecture="fmm")]},
            "InvalidSpec",
            "unknown architecture 'fmm'; known: lr, fm",
            {"models": [FM]},
        ),
        (
            {},
            {"storage": {"artifacts": "file:///data"}},
            "InvalidSpec",
            "spec.storage.artifacts: a cluster needs s3://bucket/prefix",
            {"storage": {"artifacts": None}},
        ),
    ],
    ids=["storage", "secret name", "architecture", "artifacts"],
)
def test_a_corrected_specification_is_followed(
    cluster: Cluster, settings: dict[str, str], spec: dict[str, Any], reason: str, advice: str, remedy: dict[str, Any]
) -> None:
    cluster.start_operator(**settings)
    cluster.create("study", small_spec(**{"models": [FM], **spec}))
    stalled = cluster.wait_for_condition("study", "Stalled", reason)
    assert advice in stalled["message"]

    cluster.change("study", remedy)
    wait_until_it_works(cluster, "study")


def test_another_object_with_the_name_of_a_job_is_deleted(cluster: Cluster) -> None:
    container = {"name": "other", "image": "other:1", "command": ["python", "-m", "other"]}
    template = {"metadata": {}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    other = {
        "metadata": {"name": "study-prepare"},
        "spec": {
            "completionMode": "Indexed",
            "completions": 1,
            "parallelism": 1,
            "suspend": True,
            "backoffLimitPerIndex": 1,
            "template": template,
        },
    }
    stranger = cluster.api.create(JOB, cluster.namespace, other)
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM]))
    cluster.wait_for_condition("study", "Stalled", "JobRefused")

    cluster.api.delete(JOB, cluster.namespace, "study-prepare", stranger["metadata"]["uid"])
    wait_until_it_works(cluster, "study")


@pytest.mark.fake_server
def test_resources_are_lowered_below_the_limit_of_a_policy(cluster: Cluster) -> None:
    assert cluster.jobs is not None
    cluster.jobs.max_memory = "8Gi"
    cluster.start_operator()
    cluster.create("study", small_spec(models=[FM]))
    stalled = cluster.wait_for_condition("study", "Stalled", "PodsRefused")
    assert "maximum memory usage per Container is 8Gi" in stalled["message"]
    assert "correct spec.runtime" in stalled["message"]

    cluster.change("study", {"runtime": {"resources": {"limits": {"memory": "4Gi"}}}})
    wait_until_it_works(cluster, "study")


@pytest.mark.fake_server
def test_the_operator_checks_the_time_column_where_no_admission_policy_does(cluster: Cluster) -> None:
    cluster.server.objects.policies = ()
    cluster.start_operator()
    spec = small_spec(models=[FM])
    time = {"column": "timestamp", "units": "s"}
    cluster.create("study", {**spec, "dataset": {**spec["dataset"], "split": {"strategy": "Temporal"}, "time": time}})
    stalled = cluster.wait_for_condition("study", "Stalled", "InvalidSpec")
    assert "spec.dataset.time.units: unknown field; did you mean unit?" in stalled["message"]
    assert cluster.condition("study", "Ready")["status"] == "False"

    cluster.server.objects.policies = (time_admission(),)
    cluster.change("study", {"suspend": True})
    cluster.change("study", {"suspend": False, "dataset": {"time": "timestamp"}})
    wait_until_it_works(cluster, "study")
