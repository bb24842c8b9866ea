"""The pod of a worker: what the user may choose is passed on, what would give rights is fixed here."""

from typing import Any

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.runtime import Runtime
from ctrlab_control.planner import JobRequest
from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.plan_config_maps import plan_name
from ctrlab_operator.manifests.security_contexts import CONTAINER_SECURITY, POD_SECURITY
from ctrlab_operator.manifests.worker_environment import environment
from ctrlab_operator.manifests.worker_volumes import claims, mounts, volumes
from ctrlab_operator.operator_settings import Settings

CONTAINER = "worker"
GPU_PHASES = frozenset({"tune", "evaluate"})
SMALL: Manifest = {"requests": {"cpu": "500m", "memory": "1Gi"}}
"""Of a report, which needs no more whatever the workers need."""
GRACE_SECONDS = 30
"""Enough to give a trial back."""


def pod_spec(
    experiment: Experiment,
    plan: Plan,
    request: JobRequest,
    storage: ClusterStorage,
    settings: Settings,
    has_ca: bool,
) -> Manifest:
    """Everything but metadata."""
    runtime = experiment.spec.runtime
    ca_secret = storage.secret if has_ca else None
    sources = claims(plan.dataset) if request.phase == "prepare" else ()
    image = (runtime.image or settings.trainer_image) if request.program == "trainer" else settings.report_image
    spec: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": POD_SECURITY,
        "volumes": volumes(plan_name(experiment, plan), ca_secret, sources),
        "containers": [
            {
                "name": CONTAINER,
                "image": image,
                "imagePullPolicy": settings.image_pull_policy,
                "command": ["python", "-m", f"ctrlab_{request.program}"],
                "args": _arguments(experiment, request, storage),
                "env": environment(experiment, request, storage, image, has_ca),
                "resources": _resources(runtime, request),
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": mounts(ca_secret, sources),
                "terminationMessagePolicy": "File",
            }
        ],
    }
    return spec | _placement(runtime)


def _arguments(experiment: Experiment, request: JobRequest, storage: ClusterStorage) -> list[str]:
    meta = experiment.metadata
    key = ExperimentKey.from_metadata(meta)
    return [*request.arguments, "--store", storage.uri, "--experiment", key.prefix]


def _resources(runtime: Runtime, request: JobRequest) -> Manifest:
    if request.program == "report":
        return SMALL
    asked = runtime.resources
    found: dict[str, dict[str, str]] = {
        "requests": dict(asked.requests or {}) if asked else {},
        "limits": dict(asked.limits or {}) if asked else {},
    }
    if runtime.gpu and request.phase in GPU_PHASES:
        found["limits"]["nvidia.com/gpu"] = str(runtime.gpu)
    return {name: dict(sorted(amounts.items())) for name, amounts in found.items() if amounts}


def _placement(runtime: Runtime) -> Manifest:
    """Where the pod may run; absent where the user said nothing."""
    tolerations: list[dict[str, Any]] = [
        toleration.model_dump(mode="json", by_alias=True, exclude_none=True) for toleration in runtime.tolerations or ()
    ]
    given: Manifest = {
        "affinity": runtime.affinity,
        "imagePullSecrets": [{"name": secret.name} for secret in runtime.image_pull_secrets or ()],
        "nodeSelector": runtime.node_selector,
        "priorityClassName": runtime.priority_class_name,
        "tolerations": tolerations,
    }
    return {name: value for name, value in given.items() if value}
