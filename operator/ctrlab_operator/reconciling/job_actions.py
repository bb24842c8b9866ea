"""Executing the planner's actions on Jobs. Each action is safe to repeat."""

from collections.abc import Collection, Mapping

from ctrlab_api.plan import FinalRun
from ctrlab_control.planner import DeleteJob, Facts, JobRequest, ScaleJob
from ctrlab_operator.blocked import Blocked
from ctrlab_operator.connections.connection_pool import ExperimentConnections
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_kinds import CONFIG_MAP, JOB
from ctrlab_operator.manifests.job_manifests import job_manifest, scale_patch
from ctrlab_operator.manifests.plan_config_maps import plan_config_map
from ctrlab_operator.operator_settings import OperatorSettings


def change_job(
    api: KubernetesApi, namespace: str, jobs: Mapping[str, Manifest], action: ScaleJob | DeleteJob
) -> Manifest | None:
    """Scale or delete a Job, and return it unless deleted; `jobs` is a fresh list by the planner's names."""
    metadata = jobs[action.name]["metadata"]
    if isinstance(action, ScaleJob):
        return api.merge(
            JOB, namespace, metadata["name"], scale_patch(jobs[action.name], action.completions, action.parallelism)
        )
    version = metadata.get("resourceVersion") if action.unless_changed else None
    api.delete(JOB, namespace, metadata["name"], metadata["uid"], version)
    return None


def create_job(
    api: KubernetesApi,
    settings: OperatorSettings,
    facts: Facts,
    connections: ExperimentConnections,
    request: JobRequest,
) -> Manifest:
    """Create the plan's ConfigMap and the Job, and return the Job.

    The Job is applied without force: an existing object of the same name that the operator did not create is left
    unchanged and reported.
    """
    experiment, plan = facts.experiment, facts.plan
    namespace = experiment.metadata.namespace
    job = job_manifest(
        experiment,
        plan,
        request,
        connections.storage,
        settings,
        connections.has_ca_certificate,
        indexes_without_result(request, facts.runs),
    )
    try:
        api.apply(CONFIG_MAP, namespace, plan_config_map(experiment, plan), force=True)
        return api.apply(JOB, namespace, job, force=False)
    except ApiError as error:
        if error.is_conflict or error.is_rejected:
            name = job["metadata"]["name"]
            raise Blocked("JobRefused", f"the API server rejected Job {name}: {error.message}") from error
        raise


def indexes_without_result(request: JobRequest, runs: Collection[FinalRun]) -> list[int] | None:
    """Return the indexes of a request for final runs that still have to run; None if all have, or for other jobs."""
    remaining = [index for index, group in enumerate(request.groups) if any(run not in runs for run in group)]
    return remaining if remaining and len(remaining) < len(request.groups) else None
