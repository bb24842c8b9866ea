"""One look at one experiment or ablation: observe, decide, act, write the status once if it changed.

Level-triggered: it never asks what happened, only what is; called twice it does nothing the second time.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import ValidationError

from ctrlab_api.errors import InvalidInput
from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import EXPERIMENT_LABEL
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus, Stage
from ctrlab_control.observing import rfc3339
from ctrlab_control.planner import (
    Decision,
    Facts,
    FreezeUnsearched,
    JobFacts,
    ablation_facts,
    as_experiment,
    decide,
    decide_orphaned,
)
from ctrlab_operator.connections.connection_pool import ConnectionPool, ExperimentConnections
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError, Blocked
from ctrlab_operator.kubernetes_api.object_cache import RECONCILED_KINDS, ObjectCache, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import EVENT, EXPERIMENT, JOB, POD
from ctrlab_operator.kubernetes_api.resource_parsing import (
    parse_experiment,
    parse_resource,
    parse_status,
    status_json,
)
from ctrlab_operator.observation.dead_workers import release_dead_workers
from ctrlab_operator.observation.fact_gathering import facts_of, has_ended, jobs_by_name
from ctrlab_operator.observation.job_states import planned_name
from ctrlab_operator.observation.pod_obstacles import (
    Obstacle,
    cannot_be_placed,
    cannot_start,
    refused,
    without_pods,
)
from ctrlab_operator.operator_settings import Settings
from ctrlab_operator.reconciling.blocked_status import blocked_status
from ctrlab_operator.reconciling.cluster_actions import ClusterActions
from ctrlab_operator.reconciling.status_events import event, notes, publish
from ctrlab_store import ObjectExists, StoreError
from ctrlab_study import StudyUnavailable

log = logging.getLogger(__name__)

WORKING: frozenset[Stage] = frozenset(
    {"Pending", "Preparing", "Tuning", "Evaluating", "Deciding", "Extending", "Reporting"}
)
"""Stages in which the study or the store moves without the API server knowing."""


@dataclass(frozen=True)
class Look:
    """What was found of a resource at one moment, and what is to be done."""

    resource: Resource
    decision: Decision
    facts: Facts | None = None
    """None for an ablation without its experiment."""
    backend: ExperimentConnections | None = None
    """None where nothing lies in store or study that matters now."""

    @property
    def is_waiting(self) -> bool:
        """Whether the next thing to happen is a change of the ablation's experiment, which is told."""
        return self.facts is None or (self.facts.ablation is not None and self.backend is None)


class Reconciler:
    """For any number of threads, as long as each experiment is in the hands of one at a time."""

    def __init__(
        self,
        api: KubernetesApi,
        cache: ObjectCache,
        backends: ConnectionPool,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._cache = cache
        self._backends = backends
        self._settings = settings
        self._clock = clock

    def reconcile(self, ref: ResourceRef) -> float | None:
        """Seconds after which to look again, or None where a change will be told.

        Raises Blocked or ApiError where it has to be tried again later.
        """
        body = self._cache.experiment(ref)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._backends.forget(ref.namespace, ref.name)
            return None
        again = False
        with self._failures(ref):
            look = self._look(ref, body, self._cache.children(JOB, ref))
            if look.decision.actions:
                fresh = self._fresh(ref)
                if fresh is None:
                    return None
                look = self._look(ref, *fresh)
                self._act(ref, look, fresh[1])
                # A record in the store is no event of any object.
                again = any(isinstance(action, FreezeUnsearched) for action in look.decision.actions)
        status = self._with_obstacle(ref, look.resource, look.decision.status)
        self._write(ref, look.resource, status)
        if has_ended(status):
            self._backends.forget(ref.namespace, ref.name)
        if again:
            return 0.0
        return self._settings.poll_seconds if status.stage in WORKING and not look.is_waiting else None

    def tell(self, ref: ResourceRef, problem: Blocked) -> None:
        """Write down that it is blocked."""
        body = self._cache.experiment(ref)
        if body is None:
            return
        before = parse_status(body)
        generation = int(body["metadata"].get("generation", 1))
        after = blocked_status(
            before or ExperimentStatus(), before, generation, rfc3339(self._clock()), problem.reason, problem.message
        )
        self._patch(ref, str(body["metadata"]["uid"]), before, after)

    def resync(self) -> set[ResourceRef]:
        """Compare what is known with fresh lists; returns every experiment and ablation."""
        for namespace in self._settings.namespaces or (None,):
            kinds = [*((kind, "") for kind in RECONCILED_KINDS), (JOB, EXPERIMENT_LABEL), (POD, EXPERIMENT_LABEL)]
            for kind, selector in kinds:
                before = self._cache.known(kind, namespace=namespace)
                self._cache.compare(kind, before, self._api.each(kind, namespace, selector))
        return {ref for kind in RECONCILED_KINDS for ref in self._cache.refs(kind)}

    def _look(self, ref: ResourceRef, body: Manifest, jobs: list[Manifest]) -> Look:
        resource = parse_resource(ref.kind, body)
        now = self._clock()
        found = jobs_by_name(resource, jobs, self._cache.children(POD, ref), now)
        if isinstance(resource, Experiment):
            facts, backend = self._observe(ref, resource, found, now)
            return Look(resource, decide(facts), facts, backend)
        parent = None if has_ended(resource.status) else self._parent(resource)
        if parent is None:
            return Look(resource, decide_orphaned(resource, found, rfc3339(now)))
        experiment, known = as_experiment(resource, parent), ablation_facts(resource, parent)
        if known.is_idle and (resource.status is None or resource.status.plan_digest is None):
            facts = Facts(experiment=experiment, now=rfc3339(now), jobs=found, ablation=known)
            return Look(resource, decide(facts), facts)
        facts, backend = self._observe(ref, experiment, found, now)
        facts = replace(facts, ablation=known)
        return Look(resource, decide(facts), facts, backend)

    def _observe(
        self, ref: ResourceRef, experiment: Experiment, jobs: dict[str, JobFacts], now: datetime
    ) -> tuple[Facts, ExperimentConnections | None]:
        backend = None if has_ended(experiment.status) else self._backends.of(experiment)
        if backend is not None and experiment.status is not None and experiment.status.stage == "Tuning":
            freed = release_dead_workers(self._api, self._cache, backend, ref)
            if freed:
                log.info("freed %d slots of workers that are gone", freed, extra={"experiment": str(ref)})
        return facts_of(experiment, jobs, backend, now), backend

    def _parent(self, ablation: Ablation) -> Experiment | None:
        """The experiment that it names, as the watch knows it; only the API server can tell that there is none."""
        ref = ResourceRef(ablation.metadata.namespace, ablation.spec.experiment_ref.name)
        body = self._cache.experiment(ref)
        if body is None:
            try:
                body = self._api.get(EXPERIMENT, ref.namespace, ref.name)
            except ApiError as error:
                if error.is_absent:
                    return None
                raise
            self._cache.put(EXPERIMENT, body)
        try:
            return parse_experiment(body)
        except Blocked as problem:
            raise Blocked("ExperimentInvalid", f"CTRExperiment {ref}: {problem.message}") from problem

    def _fresh(self, ref: ResourceRef) -> tuple[Manifest, list[Manifest]] | None:
        """The resource and its Jobs from the API server; None if it is gone."""
        try:
            body = self._api.get(ref.kind, ref.namespace, ref.name)
        except ApiError as error:
            if not error.is_absent:
                raise
            self._cache.compare(ref.kind, self._cache.known(ref.kind, ref), [])
            return None
        self._cache.put(ref.kind, body)
        if body["metadata"].get("deletionTimestamp"):
            return None
        known = self._cache.known(JOB, ref)
        jobs = self._api.list(JOB, ref.namespace, ref.selector)
        self._cache.compare(JOB, known, jobs)
        return body, jobs

    def _act(self, ref: ResourceRef, look: Look, jobs: list[Manifest]) -> None:
        applier = ClusterActions(
            self._api, self._settings, ref.namespace, look.facts, {planned_name(found): found for found in jobs}
        )
        for action in look.decision.actions:
            changed = applier.act(action, look.backend)
            if changed is not None:
                self._cache.put(JOB, changed)
            log.info("%s", type(action).__name__, extra={"experiment": str(ref), "action": _brief(action)})

    def _with_obstacle(self, ref: ResourceRef, resource: Resource, status: ExperimentStatus) -> ExperimentStatus:
        """Pods that cannot be made or started are no failure of their Job; somebody has to be told all the same."""
        if status.stage not in WORKING:
            return status
        pods = self._cache.children(POD, ref)
        found = cannot_start(pods) or cannot_be_placed(pods, self._clock()) or self._refusal(ref, pods)
        if found is None:
            return status
        now, generation = rfc3339(self._clock()), resource.metadata.generation
        return blocked_status(status, resource.status, generation, now, found.reason, found.message)

    def _refusal(self, ref: ResourceRef, pods: list[Manifest]) -> Obstacle | None:
        """Asks for the Events of a Job without pods; where that is not allowed, nothing is claimed."""
        job = without_pods(self._cache.children(JOB, ref), pods, self._clock())
        if job is None:
            return None
        fields = f"regarding.uid={job['metadata']['uid']},reason=FailedCreate"
        try:
            return refused(job, pods, self._api.list(EVENT, ref.namespace, fields=fields))
        except ApiError as error:
            if error.is_refusal:
                log.warning("Events cannot be read: %s", error, extra={"experiment": str(ref)})
                return None
            raise

    def _write(self, ref: ResourceRef, resource: Resource, status: ExperimentStatus) -> None:
        if status != resource.status:
            self._patch(ref, resource.metadata.uid or "", resource.status, status)

    def _patch(self, ref: ResourceRef, uid: str, before: ExperimentStatus | None, after: ExperimentStatus) -> None:
        """Server-side apply of the whole status, so that what is no longer said goes away."""
        if after == before:
            return
        metadata = {"name": ref.name, "namespace": ref.namespace, "uid": uid}
        try:
            body = self._api.apply(
                ref.kind,
                ref.namespace,
                {"metadata": metadata, "status": status_json(after)},
                force=True,
                subresource="status",
            )
        except ApiError as error:
            if error.is_absent:
                return  # deleted: its event comes
            raise
        self._cache.put(ref.kind, body)
        resource = parse_resource(ref.kind, body)
        for note in notes(before, after):
            log.info("%s: %s", note.reason, note.text, extra={"experiment": str(ref), "stage": after.stage})
            publish(self._api, event(resource, note, self._settings.identity, self._clock()))

    @contextmanager
    def _failures(self, ref: ResourceRef) -> Iterator[None]:
        """What store, database and user input can do, as one type with advice; connections are made anew."""
        try:
            yield
        except ObjectExists as error:
            raise Blocked("PlanConflict", f"{error}; use another name or another spec.storage.artifacts") from error
        except StoreError as error:
            self._backends.forget(ref.namespace, ref.name)
            raise Blocked(
                "StoreUnavailable", f"{error}; check spec.storage, its Secret and the bucket", patience=2
            ) from error
        except StudyUnavailable as error:
            self._backends.forget(ref.namespace, ref.name)
            raise Blocked(
                "DatabaseUnavailable", f"{error}; check the database and the Secret with its URL", patience=2
            ) from error
        except InvalidInput as error:
            raise Blocked("InvalidSpec", f"{'; '.join(map(str, error.problems))}; correct the specification") from error
        except ValidationError as error:
            raise Blocked(
                "RecordInvalid",
                f"a record in the store cannot be read: {error.title}; was it written by another version?",
            ) from error


def _brief(action: object) -> str:
    name = getattr(action, "name", None) or getattr(getattr(action, "request", None), "name", None)
    return f"{type(action).__name__} {name}" if name else type(action).__name__
