"""One reconcile of an experiment or ablation: observe, decide, act, write the status once if it changed.

A reconcile is level-triggered: it depends on the current state, not on events, and a second call changes nothing.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from ctrlab_api.names import EXPERIMENT_LABEL, ConditionType
from ctrlab_api.resources.status import ExperimentStatus, Stage
from ctrlab_control.executing import execute
from ctrlab_control.observing import rfc3339
from ctrlab_control.planner import Action, DeleteJob, EnsureJob, FreezeUnsearched, ScaleJob
from ctrlab_operator.blocked import Blocked
from ctrlab_operator.connections.connection_pool import ConnectionPool
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_cache import RECONCILED_KINDS, CachedObject, ObjectCache, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import JOB, POD
from ctrlab_operator.kubernetes_api.resource_parsing import parse_status
from ctrlab_operator.observation.current_obstacles import current_obstacle, has_running_pod
from ctrlab_operator.observation.fact_gathering import has_ended
from ctrlab_operator.observation.job_states import planner_job_name
from ctrlab_operator.operator_settings import OperatorSettings
from ctrlab_operator.reconciling.assessing import Assessment, Assessor
from ctrlab_operator.reconciling.blocked_status import blocked_status, status_with_note
from ctrlab_operator.reconciling.error_translation import blocked_on_failure
from ctrlab_operator.reconciling.job_actions import change_job, create_job
from ctrlab_operator.reconciling.status_writing import StatusWriter

log = logging.getLogger(__name__)

POLLED_STAGES: frozenset[Stage] = frozenset(
    {"Pending", "Preparing", "Tuning", "Evaluating", "Deciding", "Extending", "Reporting"}
)
"""Stages in which the study or the store changes without a change on the API server."""


class Reconciler:
    """Reconciles resources; safe for threads as long as each resource is reconciled by one thread at a time."""

    def __init__(
        self,
        api: KubernetesApi,
        cache: ObjectCache,
        settings: OperatorSettings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._cache = cache
        self._settings = settings
        self._clock = clock
        self._pool = ConnectionPool(api, settings.storage_defaults)
        self._assessor = Assessor(api, cache, settings, self._pool, clock)
        self._status = StatusWriter(api, cache, settings.pod_name, clock)

    def reconcile(self, ref: ResourceRef) -> float | None:
        """Reconcile a resource; return the seconds until the next reconcile, or None to wait for a watch event.

        Raises Blocked or ApiError if the reconcile must be retried.
        """
        cached = self._cache.resource(ref)
        if cached is None or cached.is_terminating:
            self._discard_connections(ref)
            return None
        with blocked_on_failure(lambda error: self._pool.record_outage(ref.namespace, ref.name, error)):
            assessment = self._assessor.assess(ref, cached.text, self._cache.children(JOB, ref))
            if assessment.decision.actions:
                current = self._read_current(ref)
                if current is None:
                    return None
                resource, jobs = current
                assessment = self._assessor.assess(ref, resource.text, jobs)
                self._act(ref, assessment, jobs)
        status = self._write_status(ref, assessment)
        if has_ended(status):
            self._discard_connections(ref)
        if any(isinstance(action, FreezeUnsearched) for action in assessment.decision.actions):
            return 0.0  # no watch reports the new record in the store
        return (
            self._settings.poll_seconds
            if status.stage in POLLED_STAGES and not assessment.waits_for_experiment
            else None
        )

    def has_status(self, ref: ResourceRef) -> bool:
        """Return whether the operator has written a status of this resource; True if it does not exist."""
        cached = self._cache.resource(ref)
        return cached is None or parse_status(cached.text) is not None

    def report_blocked(self, ref: ResourceRef, blocked: Blocked) -> None:
        """Write into the status that the resource is blocked."""
        cached = self._cache.resource(ref)
        if cached is None:
            return
        previous = parse_status(cached.text)
        status = blocked_status(
            previous or ExperimentStatus(),
            previous,
            int(cached.body["metadata"].get("generation", 1)),
            rfc3339(self._clock()),
            blocked.reason,
            blocked.message,
        )
        self._status.write(ref, cached.uid, previous, status)

    def resync(self) -> set[ResourceRef]:
        """Compare the cache with fresh lists; return every experiment and ablation."""
        kinds = [*((kind, "") for kind in RECONCILED_KINDS), (JOB, EXPERIMENT_LABEL), (POD, EXPERIMENT_LABEL)]
        for namespace in self._settings.namespaces or (None,):
            for kind, selector in kinds:
                before = self._cache.snapshot(kind, namespace=namespace)
                self._cache.synchronize(kind, before, self._api.each(kind, namespace, selector))
        return {ref for kind in RECONCILED_KINDS for ref in self._cache.refs(kind)}

    def _read_current(self, ref: ResourceRef) -> tuple[CachedObject, list[Manifest]] | None:
        """Read the resource, its pods and its Jobs from the API server into the cache; None if it is deleted.

        Jobs come last: a Job that is deleted because no pod of it runs must not have changed since the pods were read.
        """
        try:
            body = self._api.get(ref.kind, ref.namespace, ref.name)
        except ApiError as error:
            if not error.is_not_found:
                raise
            self._cache.synchronize(ref.kind, self._cache.snapshot(ref.kind, ref), [])
            return None
        self._cache.put(ref.kind, body)
        resource = self._cache.resource(ref)
        if resource is None or resource.is_terminating:
            return None
        listed: list[Manifest] = []
        for kind in (POD, JOB):
            before = self._cache.snapshot(kind, ref)
            listed = self._api.list(kind, ref.namespace, ref.selector)
            self._cache.synchronize(kind, before, listed)
        return resource, listed

    def _act(self, ref: ResourceRef, assessment: Assessment, jobs: list[Manifest]) -> None:
        jobs_by_name = {planner_job_name(job): job for job in jobs}
        for action in assessment.decision.actions:
            job: Manifest | None = None
            match action:
                case ScaleJob() | DeleteJob():
                    job = change_job(self._api, ref.namespace, jobs_by_name, action)
                case EnsureJob(request):
                    facts, connections = assessment.require_connections()
                    job = create_job(self._api, self._settings, facts, connections, request)
                case _:
                    facts, connections = assessment.require_connections()
                    execute(action, connections.store, connections.database, connections.key, facts.plan)
            if job is not None:
                self._cache.put(JOB, job)
            log.info("%s", _describe(action), extra={"experiment": str(ref), "action": _describe(action)})

    def _write_status(self, ref: ResourceRef, assessment: Assessment) -> ExperimentStatus:
        """Write the planner's status; obstacles of pods are not failures of their Job, so they are added here."""
        resource, status = assessment.resource, assessment.decision.status
        now = self._clock()
        is_replaced = any(isinstance(action, DeleteJob) for action in assessment.decision.actions)
        is_observed = status.stage in POLLED_STAGES and not status.is_true(ConditionType.STALLED) and not is_replaced
        obstacle = current_obstacle(self._api, self._cache, ref, now) if is_observed else None
        if obstacle is not None and has_running_pod(self._cache, ref):
            status = status_with_note(status, obstacle.message)
        elif obstacle is not None:
            status = blocked_status(
                status,
                resource.status,
                resource.metadata.generation,
                rfc3339(now),
                obstacle.reason,
                obstacle.message,
            )
        self._status.write(ref, resource.metadata.uid or "", resource.status, status)
        return status

    def _discard_connections(self, ref: ResourceRef) -> None:
        self._pool.discard(ref.namespace, ref.name)


def _describe(action: Action) -> str:
    name = getattr(action, "name", None) or getattr(getattr(action, "request", None), "name", None)
    return f"{type(action).__name__} {name}" if name else type(action).__name__
