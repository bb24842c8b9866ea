"""The spec of a worker pod: scheduling options come from the user, everything that grants rights is fixed here."""

from typing import Any

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.runtime import Runtime
from ctrlab_control.planner import JobRequest
from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.container_resources import container_resources
from ctrlab_operator.manifests.plan_config_maps import plan_config_map_name
from ctrlab_operator.manifests.security_contexts import CONTAINER_SECURITY, POD_SECURITY
from ctrlab_operator.manifests.worker_environment import worker_environment
from ctrlab_operator.manifests.worker_volumes import pod_volumes, source_claims, volume_mounts
from ctrlab_operator.operator_settings import OperatorSettings

CONTAINER = "worker"
GRACE_SECONDS = 30
"""Seconds between SIGTERM and SIGKILL; enough to release a slot."""


def pod_spec(
    experiment: Experiment,
    plan: Plan,
    request: JobRequest,
    storage: ClusterStorage,
    settings: OperatorSettings,
    has_ca_certificate: bool,
) -> Manifest:
    """Return the spec of the worker pod."""
    runtime = experiment.spec.runtime
    ca_secret = storage.storage_secret if has_ca_certificate else None
    claims = source_claims(plan.dataset) if request.phase == "prepare" else ()
    is_trainer = request.program == "trainer"
    image = (runtime.image or settings.trainer_image) if is_trainer else settings.operator_image
    spec: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": POD_SECURITY,
        "volumes": pod_volumes(plan_config_map_name(experiment, plan), ca_secret, claims),
        "containers": [
            {
                "name": CONTAINER,
                "image": image,
                "imagePullPolicy": settings.image_pull_policy,
                "command": ["python", "-m", f"ctrlab_{request.program}"],
                "args": _arguments(experiment, request, storage),
                "env": worker_environment(experiment, request, storage, image, has_ca_certificate),
                "resources": container_resources(runtime, request.phase, settings.default_resources),
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": volume_mounts(ca_secret, claims),
                "terminationMessagePolicy": "File",
            }
        ],
    }
    return spec | _scheduling(runtime)


def _arguments(experiment: Experiment, request: JobRequest, storage: ClusterStorage) -> list[str]:
    key = ExperimentKey.from_metadata(experiment.metadata)
    return [*request.arguments, "--store", storage.uri, "--experiment", str(key)]


def _scheduling(runtime: Runtime) -> Manifest:
    """Return the user's scheduling options; options that are not set are absent."""
    tolerations: list[dict[str, Any]] = [
        toleration.model_dump(mode="json", by_alias=True, exclude_none=True) for toleration in runtime.tolerations or ()
    ]
    options: Manifest = {
        "affinity": runtime.affinity,
        "imagePullSecrets": [{"name": secret.name} for secret in runtime.image_pull_secrets or ()],
        "nodeSelector": runtime.node_selector,
        "priorityClassName": runtime.priority_class_name,
        "tolerations": tolerations,
    }
    return {name: value for name, value in options.items() if value}
