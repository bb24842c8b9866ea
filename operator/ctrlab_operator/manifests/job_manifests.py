"""The Job of a phase: Indexed, with retries per index and a failure policy on the exit codes of the worker.

The operator applies a Job once, at creation: `spec.suspend` belongs to the queueing system, and `spec.parallelism` is
changed by a separate patch when the user requests another number, so neither is ever reverted.
"""

from collections.abc import Sequence
from dataclasses import replace

from ctrlab_api.canonical_json import digest
from ctrlab_api.job_indexes import compress_indexes
from ctrlab_api.names import DIGEST_ANNOTATION, GROUP, ExitCode
from ctrlab_api.plan import Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.schema_types import duration_seconds
from ctrlab_control.planner import JobRequest, Phase, Program
from ctrlab_control.retry_limits import retry_limit
from ctrlab_operator.connections.cluster_storage import ClusterStorage
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.manifests.child_metadata import child_labels, child_name, owner_reference
from ctrlab_operator.manifests.container_resources import REPORT_PHASES
from ctrlab_operator.manifests.pod_templates import CONTAINER, pod_spec
from ctrlab_operator.operator_settings import OperatorSettings

JOB_ANNOTATION = f"{GROUP}/job"
"""The planner's name of the Job; the name of the object may be shortened."""
WORKERS_ANNOTATION = f"{GROUP}/workers"
"""The last requested parallelism; a queueing system may have admitted fewer pods."""
INDEXES_ANNOTATION = f"{GROUP}/indexes"
"""The planner's indexes that the Job starts, in their order, if it does not start all."""
TEMPLATE_ANNOTATION = f"{GROUP}/template"
"""Digest of everything that the specification and the installation decide about the Job's pods."""
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
DEADLINE_SLACK_SECONDS = 300
"""Seconds after tuning.timeout at which Kubernetes stops the Job if the operator, being down, did not."""


def job_manifest(
    experiment: Experiment,
    plan: Plan,
    request: JobRequest,
    storage: ClusterStorage,
    settings: OperatorSettings,
    has_ca_certificate: bool = False,
    indexes: Sequence[int] | None = None,
) -> Manifest:
    """Return the Job; `has_ca_certificate` if the storage Secret contains a certificate authority.

    `indexes` are those of the request that have no result; None starts all.
    """
    pod_request, completions, parallelism, selection = request, request.completions, request.parallelism, {}
    if indexes is not None:
        text = compress_indexes(indexes)
        pod_request = replace(request, arguments=(*request.arguments, "--indexes", text))
        completions, parallelism = len(indexes), min(parallelism, len(indexes))
        selection = {INDEXES_ANNOTATION: text}
    labels = child_labels(experiment, plan, request.phase)
    queue = experiment.spec.runtime.queue_name
    return {
        "metadata": {
            "name": child_name(experiment, plan, request.name),
            "labels": {**labels, QUEUE_LABEL: queue} if queue else labels,
            "annotations": {
                DIGEST_ANNOTATION: request.digest,
                JOB_ANNOTATION: request.name,
                WORKERS_ANNOTATION: str(request.parallelism),
                **selection,
                TEMPLATE_ANNOTATION: template_digest(
                    experiment, plan, request.phase, storage, settings, has_ca_certificate
                ),
            },
            "ownerReferences": [owner_reference(experiment, plan)],
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": completions,
            "parallelism": parallelism,
            "backoffLimitPerIndex": retry_limit(request.phase),
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": _failure_rules()},
            "ttlSecondsAfterFinished": settings.job_ttl_seconds,
            **_deadline(plan, request),
            "template": {
                "metadata": {"labels": labels, "annotations": {DIGEST_ANNOTATION: request.digest}},
                "spec": pod_spec(experiment, plan, pod_request, storage, settings, has_ca_certificate),
            },
        },
    }


def template_digest(
    experiment: Experiment,
    plan: Plan,
    phase: Phase,
    storage: ClusterStorage,
    settings: OperatorSettings,
    has_ca_certificate: bool = False,
) -> str:
    """Return a digest of the queue and the pod spec of a phase's Jobs, without the arguments that differ among them."""
    program: Program = "report" if phase in REPORT_PHASES else "trainer"
    request = JobRequest(name=phase, phase=phase, program=program, arguments=())
    spec = pod_spec(experiment, plan, request, storage, settings, has_ca_certificate)
    return digest({"queue": experiment.spec.runtime.queue_name, "pod": spec})


def scale_patch(job: Manifest, completions: int, parallelism: int) -> Manifest:
    """Return the merge patch that changes the size of a Job; one that starts only some indexes keeps their number."""
    if INDEXES_ANNOTATION in job["metadata"].get("annotations", {}):
        completions = int(job["spec"]["completions"])
    return {
        "metadata": {"annotations": {WORKERS_ANNOTATION: str(parallelism)}},
        "spec": {"completions": completions, "parallelism": min(parallelism, completions)},
    }


def _failure_rules() -> list[Manifest]:
    """Return the rules, of which the first match decides; a failure without a match uses up a retry of its index."""
    return [
        _on_exit("FailJob", ExitCode.BAD_SPEC_OR_DATA),
        _on_exit("FailIndex", ExitCode.RUN_FAILED),
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        _on_exit("Ignore", ExitCode.TERMINATED),
        # Not counted and not limited; the Job controller doubles the delay before each new pod, up to ten minutes.
        _on_exit("Ignore", ExitCode.UNAVAILABLE),
    ]


def _on_exit(action: str, code: ExitCode) -> Manifest:
    values = {"containerName": CONTAINER, "operator": "In", "values": [int(code)]}
    return {"action": action, "onExitCodes": values}


def _deadline(plan: Plan, request: JobRequest) -> Manifest:
    if request.phase != "tune" or plan.tuning.timeout is None:
        return {}
    return {"activeDeadlineSeconds": duration_seconds(plan.tuning.timeout) + DEADLINE_SLACK_SECONDS}
