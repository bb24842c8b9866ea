"""Carrying out the planner's actions on the API server. Each may be repeated without harm."""

from collections.abc import Mapping

from ctrlab_control.executing import execute
from ctrlab_control.planner import (
    Action,
    DeleteJob,
    EnsureJob,
    Facts,
    FreezeUnsearched,
    JobRequest,
    RaiseTrials,
    ScaleJob,
    WritePlan,
)
from ctrlab_operator.connections.connection_pool import ExperimentConnections
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError, Blocked
from ctrlab_operator.kubernetes_api.object_kinds import CONFIG_MAP, JOB
from ctrlab_operator.manifests.job_manifests import job, scaled
from ctrlab_operator.manifests.plan_config_maps import plan_config_map
from ctrlab_operator.operator_settings import Settings


class ClusterActions:
    """Acts for one experiment or ablation at one moment."""

    def __init__(
        self, api: KubernetesApi, settings: Settings, namespace: str, facts: Facts | None, jobs: Mapping[str, Manifest]
    ) -> None:
        """`facts`: what was decided on; None can but delete. `jobs`: by the planner's names, from a list that was
        made just now."""
        self._api = api
        self._settings = settings
        self._namespace = namespace
        self._facts = facts
        self._jobs = jobs

    def act(self, action: Action, backend: ExperimentConnections | None) -> Manifest | None:
        """The Job as it is afterwards, if it is known; without a backend nothing is created."""
        match action:
            case WritePlan() | RaiseTrials() | FreezeUnsearched():
                assert backend is not None
                assert self._facts is not None
                execute(action, backend.store, backend.database, backend.key, self._facts.plan)
            case EnsureJob(request):
                assert backend is not None
                return self._create(request, backend)
            case ScaleJob(name, completions, parallelism):
                found = self._jobs[name]["metadata"]["name"]
                return self._api.merge(JOB, self._namespace, found, scaled(completions, parallelism))
            case DeleteJob(name):
                metadata = self._jobs[name]["metadata"]
                self._api.delete(JOB, self._namespace, metadata["name"], metadata["uid"])
        return None

    def _create(self, request: JobRequest, backend: ExperimentConnections) -> Manifest:
        """Not forced: what somebody else made under the name is left alone, and the user is told."""
        assert self._facts is not None
        experiment, plan = self._facts.experiment, self._facts.plan
        manifest = job(experiment, plan, request, backend.storage, self._settings, backend.has_ca)
        try:
            self._api.apply(CONFIG_MAP, self._namespace, plan_config_map(experiment, plan), force=True)
            return self._api.apply(JOB, self._namespace, manifest, force=False)
        except ApiError as error:
            if error.is_conflict or error.is_refusal:
                name = manifest["metadata"]["name"]
                raise Blocked("JobRefused", f"the API server refused Job {name}: {error.message}") from error
            raise
