"""The Jobs of all phases: properties that all have, and those that only some phases may have."""

import dataclasses
import json
from typing import Any

import kubernetes_validate
import pytest
from builders import make_tuned_facts

from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.planner import EnsureJob, JobRequest, decide
from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.job_manifests import job_manifest, scale_patch, template_digest
from ctrlab_operator.operator_settings import OperatorSettings
from ctrlab_operator.reconciling.job_actions import indexes_without_result

REQUESTS = {
    "prepare": JobRequest(name="prepare", phase="prepare", program="trainer", arguments=("prepare",)),
    "tune": JobRequest(
        name="tune-fm",
        phase="tune",
        program="trainer",
        arguments=("tune", "--variant", "FM"),
        completions=4,
        parallelism=4,
    ),
    "evaluate": JobRequest(
        name="evaluate", phase="evaluate", program="trainer", arguments=("evaluate",), completions=10, parallelism=2
    ),
    "decide": JobRequest(name="decide", phase="decide", program="report", arguments=("decide-seeds",)),
    "report": JobRequest(name="report", phase="report", program="report", arguments=("make",)),
}
RUNTIME = {
    "image": "mine:2",
    "imagePullSecrets": [{"name": "registry"}],
    "resources": {"requests": {"cpu": "1500m", "memory": "4Gi"}, "limits": {"memory": "8Gi"}},
    "gpu": 2,
    "nodeSelector": {"pool": "gpu"},
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "queueName": "research",
    "priorityClassName": "low",
    "env": [{"name": "MY_FLAG", "value": "on"}, {"name": "CTRLAB_DATABASE_URL", "value": "sqlite:///tmp/mine"}],
}


@pytest.fixture(params=list(REQUESTS))
def phase(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def manifest(phase: str, make: Any, storage: ClusterStorage, settings: OperatorSettings) -> Manifest:
    """The Job of the phase, for an experiment that sets every runtime option."""
    return job_of(make(runtime=RUNTIME), phase, storage, settings)


def job_of(experiment: Experiment, phase: str, storage: ClusterStorage, settings: OperatorSettings) -> Manifest:
    return job_manifest(experiment, Plan.from_experiment(experiment), REQUESTS[phase], storage, settings)


def pod_of(manifest: Manifest) -> Manifest:
    spec: Manifest = manifest["spec"]["template"]["spec"]
    return spec


def variables(manifest: Manifest) -> dict[str, Manifest]:
    return {variable["name"]: variable for variable in pod_of(manifest)["containers"][0]["env"]}


def test_every_pod_is_restricted(manifest: Manifest) -> None:
    pod = pod_of(manifest)
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {name for volume in pod["volumes"] for name in volume} <= {"name", "emptyDir", "configMap", "secret"}
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod)


def test_no_pod_has_a_service_account_token(manifest: Manifest) -> None:
    assert pod_of(manifest)["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod_of(manifest)


def test_the_experiment_owns_the_job_and_no_other_metadata_is_copied(manifest: Manifest) -> None:
    (owner,) = manifest["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "ctrlab.dev/v1alpha1",
        "kind": "CTRExperiment",
        "name": "study",
        "uid": "11111111-2222-3333-4444-555555555555",
        "controller": True,
    }
    assert manifest["metadata"]["labels"]["ctrlab.dev/experiment"] == "study"
    assert "finalizers" not in manifest["metadata"]


def test_exit_codes_determine_the_failure_action(manifest: Manifest) -> None:
    rules = manifest["spec"]["podFailurePolicy"]["rules"]
    by_code = {rule["onExitCodes"]["values"][0]: rule["action"] for rule in rules if "onExitCodes" in rule}
    assert by_code == {42: "FailJob", 43: "FailIndex", 75: "Ignore", 143: "Ignore"}
    assert {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]} in rules
    names = {rule["onExitCodes"]["containerName"] for rule in rules if "onExitCodes" in rule}
    assert names == {container["name"] for container in pod_of(manifest)["containers"]}


def test_jobs_are_indexed_with_retries_per_index(manifest: Manifest) -> None:
    spec = manifest["spec"]
    assert (spec["completionMode"], spec["podReplacementPolicy"]) == ("Indexed", "Failed")
    assert spec["backoffLimitPerIndex"] > 0
    assert spec["ttlSecondsAfterFinished"] >= 7 * 24 * 3600
    assert "backoffLimit" not in spec
    assert "suspend" not in spec, "suspend belongs to the queueing system"


def test_credentials_are_references_only(manifest: Manifest, phase: str) -> None:
    keys = [name for name in variables(manifest) if name.startswith(("AWS_", "CTRLAB_SEALED_")) and "KEY" in name]
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= set(keys)
    assert all("secretKeyRef" in variables(manifest)[name]["valueFrom"] for name in keys)
    database_url = variables(manifest).get("CTRLAB_DATABASE_URL", {})
    assert ("valueFrom" in database_url) == (phase == "tune")


def test_only_final_runs_refer_to_the_test_secret(manifest: Manifest, phase: str) -> None:
    assert ("s3-sealed" in json.dumps(manifest)) == (phase == "evaluate")


def test_a_final_run_has_the_storage_keys_and_the_sealed_keys(
    make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    environment = variables(job_of(make(), "evaluate", storage, settings))
    secrets = {
        name: variable["valueFrom"]["secretKeyRef"]["name"]
        for name, variable in environment.items()
        if name.endswith("_KEY_ID")
    }
    assert secrets == {"AWS_ACCESS_KEY_ID": "s3", "CTRLAB_SEALED_AWS_ACCESS_KEY_ID": "s3-sealed"}


def test_the_environment_names_image_node_and_pod_for_the_record(manifest: Manifest) -> None:
    (container,) = pod_of(manifest)["containers"]
    environment = variables(manifest)
    assert environment["CTRLAB_IMAGE"]["value"] == container["image"]
    assert environment["CTRLAB_NODE"]["valueFrom"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    assert environment["CTRLAB_WORKER"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_claims_of_the_data_set_are_mounted_read_only_in_the_prepare_phase(
    phase: str, make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    source = {"uri": "pvc://clicks/2026/", "format": "parquet"}
    tables = [{"uri": "pvc://items/all.csv", "format": "csv", "joinOn": "item_id"}]
    pod = pod_of(job_of(make(dataset__source={**source, "tables": tables}), phase, storage, settings))
    claims = [volume["persistentVolumeClaim"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    mounts = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["mountPath"].startswith("/data/")]
    if phase == "prepare":
        assert claims == [{"claimName": name, "readOnly": True} for name in ("clicks", "items")]
        assert [mount["mountPath"] for mount in mounts] == ["/data/pvc/clicks", "/data/pvc/items"]
        assert all(mount["readOnly"] for mount in mounts)
    else:
        assert claims == mounts == []


def test_only_tuning_has_the_database(manifest: Manifest, phase: str) -> None:
    assert ("optuna" in json.dumps(manifest)) == (phase == "tune")


def test_only_training_has_gpus(manifest: Manifest, phase: str) -> None:
    limits = pod_of(manifest)["containers"][0]["resources"].get("limits", {})
    assert ("nvidia.com/gpu" in limits) == (phase in ("tune", "evaluate"))


def test_scheduling_options_are_copied_to_the_pod(manifest: Manifest) -> None:
    pod = pod_of(manifest)
    assert pod["nodeSelector"] == {"pool": "gpu"}
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert pod["affinity"] == RUNTIME["affinity"]
    assert pod["priorityClassName"] == "low"
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "research"
    assert "kueue.x-k8s.io/queue-name" not in manifest["spec"]["template"]["metadata"]["labels"]


def test_the_users_image_runs_the_trainer_and_the_operators_image_the_report(manifest: Manifest, phase: str) -> None:
    expected = "operator:1" if phase in ("decide", "report") else "mine:2"
    assert pod_of(manifest)["containers"][0]["image"] == expected


def test_a_worker_gets_its_threads_store_and_experiment(
    make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    manifest = job_of(make(runtime=RUNTIME), "tune", storage, settings)
    assert variables(manifest)["CTRLAB_THREADS"]["value"] == "2", "1500m, rounded up"
    assert variables(manifest)["MY_FLAG"]["value"] == "on"
    assert pod_of(manifest)["containers"][0]["args"] == [
        "tune",
        "--variant",
        "FM",
        "--store",
        "s3://bucket/prefix",
        "--experiment",
        "team/study/11111111-2222-3333-4444-555555555555",
    ]


def test_without_a_test_secret_final_runs_use_the_storage_secret(
    make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    unsealed = ClusterStorage(**{**vars(storage), "test_secret": None})
    reference = variables(job_of(make(), "evaluate", unsealed, settings))["AWS_ACCESS_KEY_ID"]["valueFrom"]
    assert reference == {"secretKeyRef": {"name": "s3", "key": "AWS_ACCESS_KEY_ID"}}


def test_a_tuning_job_has_a_deadline_after_its_timeout(
    make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    experiment = make(tuning={"trials": 8, "timeout": "1h30m"})
    assert job_of(experiment, "tune", storage, settings)["spec"]["activeDeadlineSeconds"] == 5400 + 300
    assert "activeDeadlineSeconds" not in job_of(experiment, "evaluate", storage, settings)["spec"]


@pytest.mark.parametrize("name", ["a", "e" * 52])
def test_names_fit_and_differ(name: str, make: Any, storage: ClusterStorage, settings: OperatorSettings) -> None:
    variants = [f"tune-{'v' * 39}{letter}" for letter in "ab"]
    experiment = make(name=name)
    names = []
    for variant in variants:
        request = JobRequest(name=variant, phase="tune", program="trainer", arguments=("tune",))
        manifest = job_manifest(experiment, Plan.from_experiment(experiment), request, storage, settings)
        names.append(manifest["metadata"]["name"])
        assert manifest["metadata"]["annotations"]["ctrlab.dev/job"] == variant
    assert len(set(names)) == 2
    assert all(len(f"{name}-99999") <= 63 for name in names)


def test_equal_input_gives_an_equal_manifest(make: Any, storage: ClusterStorage, settings: OperatorSettings) -> None:
    first, second = (json.dumps(job_of(make(runtime=RUNTIME), "tune", storage, settings)) for _ in range(2))
    assert first == second


def test_scaling_changes_only_the_size_and_its_annotation() -> None:
    job = {"metadata": {}, "spec": {"completions": 2}}
    assert scale_patch(job, 3, 3) == {
        "metadata": {"annotations": {"ctrlab.dev/workers": "3"}},
        "spec": {"completions": 3, "parallelism": 3},
    }


def test_an_index_of_the_final_job_is_a_batch_of_seeds(
    make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    experiment = make(evaluation={"seeds": {"count": 5}, "seedsPerPod": 2})
    [request] = [a.request for a in decide(make_tuned_facts(experiment)).actions if isinstance(a, EnsureJob)]
    manifest = job_manifest(experiment, Plan.from_experiment(experiment), request, storage, settings)
    assert manifest["spec"]["completionMode"] == "Indexed"
    assert manifest["spec"]["completions"] == 6, "3 batches of each of 2 models"
    assert pod_of(manifest)["containers"][0]["args"][0] == "evaluate"


@pytest.mark.parametrize("version", ["1.33", "1.36"])
def test_every_job_matches_the_kubernetes_schema_strictly(manifest: Manifest, version: str) -> None:
    # The client adds apiVersion and kind to every request.
    kubernetes_validate.validate({"apiVersion": "batch/v1", "kind": "Job", **manifest}, version, strict=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "other:1"},
        {"resources": {"limits": {"memory": "9Gi"}}},
        {"env": [{"name": "MY_FLAG", "value": "off"}]},
        {"nodeSelector": {"pool": "other"}},
        {"tolerations": [{"operator": "Exists"}]},
        {"affinity": {"podAntiAffinity": {}}},
        {"queueName": "other"},
        {"priorityClassName": "high"},
        {"imagePullSecrets": [{"name": "other"}]},
        {"gpu": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_change_of_the_runtime_changes_the_digest_of_the_template(
    changes: Manifest, make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    def digest_of(runtime: Manifest) -> str:
        experiment = make(runtime=runtime)
        return template_digest(experiment, Plan.from_experiment(experiment), "tune", storage, settings)

    assert digest_of(RUNTIME) == digest_of(dict(RUNTIME))
    assert digest_of(RUNTIME | changes) != digest_of(RUNTIME)


@pytest.mark.parametrize("field", ["uri", "endpoint", "storage_secret", "database_secret"])
def test_another_store_or_secret_changes_the_digest_of_the_template(
    field: str, make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    experiment = make()
    plan = Plan.from_experiment(experiment)
    other = dataclasses.replace(storage, **{field: "other"})
    digest = template_digest(experiment, plan, "tune", storage, settings)
    assert template_digest(experiment, plan, "tune", other, settings) != digest


def test_a_job_carries_the_digest_of_its_template(
    phase: str, manifest: Manifest, make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    experiment = make(runtime=RUNTIME)
    digest = template_digest(experiment, Plan.from_experiment(experiment), REQUESTS[phase].phase, storage, settings)
    assert manifest["metadata"]["annotations"]["ctrlab.dev/template"] == digest


def test_a_job_that_is_created_again_starts_only_the_runs_without_a_result(
    make: Any, storage: ClusterStorage, settings: OperatorSettings
) -> None:
    experiment = make()
    plan = Plan.from_experiment(experiment)
    groups = plan.run_groups()
    request = dataclasses.replace(REQUESTS["evaluate"], completions=len(groups), parallelism=4, groups=groups)
    done = {run for index, group in enumerate(groups) if index not in (1, 3, 4) for run in group}
    indexes = indexes_without_result(request, done)
    assert indexes == [1, 3, 4]
    job = job_manifest(experiment, plan, request, storage, settings, indexes=indexes)
    assert (job["spec"]["completions"], job["spec"]["parallelism"]) == (3, 3)
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[:3] == ["evaluate", "--indexes", "1,3-4"]
    assert job["metadata"]["annotations"]["ctrlab.dev/workers"] == "4"
    assert scale_patch(job, len(groups), 2)["spec"] == {"completions": 3, "parallelism": 2}
    assert indexes_without_result(request, set()) is None
    assert indexes_without_result(REQUESTS["prepare"], set()) is None
