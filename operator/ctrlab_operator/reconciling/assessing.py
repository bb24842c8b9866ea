"""Observing a resource and deciding on it: the first half of a reconcile, without side effects on the cluster."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from ctrlab_api.loading.resource_loading import Resource
from ctrlab_api.names import PHASE_LABEL
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_control.observing import rfc3339
from ctrlab_control.planner import (
    Decision,
    Facts,
    JobFacts,
    ablation_facts,
    as_experiment,
    decide,
    decide_orphaned,
)
from ctrlab_operator.blocked import Blocked
from ctrlab_operator.connections.connection_pool import ConnectionPool, ExperimentConnections
from ctrlab_operator.kubernetes_api.api_client import KubernetesApi, Manifest
from ctrlab_operator.kubernetes_api.api_errors import ApiError
from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import EXPERIMENT, POD
from ctrlab_operator.kubernetes_api.resource_parsing import parse_experiment, parse_resource
from ctrlab_operator.manifests.job_manifests import template_digest
from ctrlab_operator.observation.dead_workers import release_dead_workers
from ctrlab_operator.observation.fact_gathering import gather_facts, has_ended, job_facts_by_name
from ctrlab_operator.observation.job_states import mark_outdated, planner_job_name
from ctrlab_operator.operator_settings import OperatorSettings
from ctrlab_study import StudyUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Assessment:
    """A resource at one moment, and the planner's decision on it."""

    resource: Resource
    decision: Decision
    facts: Facts | None = None
    """None for an ablation whose experiment does not exist."""
    connections: ExperimentConnections | None = None
    """None if nothing in the store or the study matters now."""

    @property
    def waits_for_experiment(self) -> bool:
        """Whether an ablation can only proceed after a change of its experiment, which the watch reports."""
        return self.facts is None or (self.facts.ablation is not None and self.connections is None)

    def require_connections(self) -> tuple[Facts, ExperimentConnections]:
        """Return facts and connections, which every action except scaling and deleting Jobs needs."""
        if self.facts is None or self.connections is None:
            raise RuntimeError(f"the planner acts on {self.resource.metadata.name}, whose connections are not open")
        return self.facts, self.connections


class Assessor:
    """Observes and decides; safe for threads."""

    def __init__(
        self,
        api: KubernetesApi,
        cache: ObjectCache,
        settings: OperatorSettings,
        pool: ConnectionPool,
        clock: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._cache = cache
        self._settings = settings
        self._pool = pool
        self._clock = clock

    def assess(self, ref: ResourceRef, text: bytes, jobs: list[Manifest]) -> Assessment:
        """Decide on a resource (as JSON) with these Jobs; Blocked if it or its connections are unusable."""
        resource = parse_resource(ref.kind, text)
        now = self._clock()
        job_facts = job_facts_by_name(resource, jobs, self._cache.children(POD, ref), now)
        if isinstance(resource, Experiment):
            facts, connections = self._observe(ref, resource, job_facts, now)
            facts = self._compare_templates(facts, connections, jobs)
            return Assessment(resource, decide(facts), facts, connections)
        return self._assess_ablation(ref, resource, jobs, job_facts, now)

    def _assess_ablation(
        self,
        ref: ResourceRef,
        ablation: Ablation,
        manifests: list[Manifest],
        jobs: dict[str, JobFacts],
        now: datetime,
    ) -> Assessment:
        parent = None if has_ended(ablation.status, ablation.metadata) else self._parent(ablation)
        if parent is None:
            return Assessment(ablation, decide_orphaned(ablation, jobs, rfc3339(now)))
        experiment, parent_facts = as_experiment(ablation, parent), ablation_facts(ablation, parent)
        if parent_facts.has_no_artifacts and (ablation.status is None or ablation.status.plan_digest is None):
            facts = Facts(experiment=experiment, now=rfc3339(now), jobs=jobs, ablation=parent_facts)
            return Assessment(ablation, decide(facts), facts)
        facts, connections = self._observe(ref, experiment, jobs, now)
        facts = self._compare_templates(replace(facts, ablation=parent_facts), connections, manifests)
        return Assessment(ablation, decide(facts), facts, connections)

    def _compare_templates(
        self, facts: Facts, connections: ExperimentConnections | None, manifests: list[Manifest]
    ) -> Facts:
        """Return the facts with the Jobs marked whose pods differ from what the specification asks for now."""
        if connections is None:
            return facts
        jobs = dict(facts.jobs)
        for manifest in manifests:
            name, labels = planner_job_name(manifest), manifest["metadata"].get("labels", {})
            if jobs[name].state == "Active" and PHASE_LABEL in labels:
                template = template_digest(
                    facts.experiment,
                    facts.plan,
                    labels[PHASE_LABEL],
                    connections.storage,
                    self._settings,
                    connections.has_ca_certificate,
                )
                jobs[name] = mark_outdated(manifest, jobs[name], template)
        return replace(facts, jobs=jobs)

    def _observe(
        self, ref: ResourceRef, experiment: Experiment, jobs: dict[str, JobFacts], now: datetime
    ) -> tuple[Facts, ExperimentConnections | None]:
        connections = None if has_ended(experiment.status, experiment.metadata) else self._pool.connect(experiment)
        if connections is not None and experiment.status is not None and experiment.status.stage == "Tuning":
            released = 0
            with suppress(StudyUnavailable):  # observing decides whether the database is needed now
                released = release_dead_workers(self._api, self._cache, connections, ref)
            if released:
                log.info("released %d slots of dead workers", released, extra={"experiment": str(ref)})
        return gather_facts(experiment, jobs, connections, now), connections

    def _parent(self, ablation: Ablation) -> Experiment | None:
        """Return the ablation's experiment from the cache; only the API server can prove that it does not exist."""
        ref = ResourceRef(ablation.metadata.namespace, ablation.spec.experiment_ref.name)
        cached = self._cache.resource(ref)
        if cached is None:
            try:
                self._cache.put(EXPERIMENT, self._api.get(EXPERIMENT, ref.namespace, ref.name))
            except ApiError as error:
                if error.is_not_found:
                    return None
                raise
            cached = self._cache.resource(ref)
        if cached is None:
            return None
        try:
            return parse_experiment(cached.text)
        except Blocked as blocked:
            raise Blocked("ExperimentInvalid", f"CTRExperiment {ref}: {blocked.message}") from blocked
