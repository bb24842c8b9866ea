"""One look at one experiment: observe, decide, act, write the status once if it changed.

Level-triggered: it never asks what happened, only what is; called twice it does nothing the second time.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import ValidationError

from ctrlab_contract.errors import InvalidInput
from ctrlab_contract.experiment import Experiment
from ctrlab_contract.names import EXPERIMENT_LABEL
from ctrlab_contract.status import ExperimentStatus, Stage
from ctrlab_contract.store import ObjectExists, StoreError
from ctrlab_contract.study import StudyUnavailable
from ctrlab_operator.cluster.apply import Applier
from ctrlab_operator.cluster.backends import Backend, Backends
from ctrlab_operator.cluster.blocked import blocked_status
from ctrlab_operator.cluster.cache import Cache, Ref
from ctrlab_operator.cluster.client import Api, Manifest
from ctrlab_operator.cluster.errors import ApiError, Blocked
from ctrlab_operator.cluster.events import event, notes, publish
from ctrlab_operator.cluster.jobs import planned_name
from ctrlab_operator.cluster.observe import facts_of, has_ended, jobs_by_name, rfc3339
from ctrlab_operator.cluster.parse import experiment_from, status_from, status_json
from ctrlab_operator.cluster.pods import is_alive, obstacle
from ctrlab_operator.cluster.reaper import release_dead_workers
from ctrlab_operator.cluster.resources import EXPERIMENT, JOB, POD
from ctrlab_operator.cluster.settings import Settings
from ctrlab_operator.planner import Decision, Facts, decide

log = logging.getLogger(__name__)

WORKING: frozenset[Stage] = frozenset(
    {"Pending", "Preparing", "Tuning", "Evaluating", "Deciding", "Extending", "Reporting"}
)
"""Stages in which the study or the store moves without the API server knowing."""


class Reconciler:
    """For any number of threads, as long as each experiment is in the hands of one at a time."""

    def __init__(
        self,
        api: Api,
        cache: Cache,
        backends: Backends,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._cache = cache
        self._backends = backends
        self._settings = settings
        self._clock = clock

    def reconcile(self, ref: Ref) -> float | None:
        """Seconds after which to look again, or None where a change will be told.

        Raises Blocked or ApiError where it has to be tried again later.
        """
        body = self._cache.experiment(ref)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._backends.forget(*ref)
            return None
        experiment = experiment_from(body)
        with self._failures(ref):
            facts, backend = self._observe(ref, experiment, self._cache.children(JOB, ref))
            decision = decide(facts)
            if decision.actions:
                fresh = self._fresh(ref)
                if fresh is None:
                    return None
                experiment, jobs = fresh
                facts, backend = self._observe(ref, experiment, jobs)
                decision = decide(facts)
                self._act(ref, facts, decision, jobs, backend)
        status = self._with_obstacle(ref, experiment, decision.status)
        self._write(ref, experiment, status)
        if has_ended(experiment.model_copy(update={"status": status})):
            self._backends.forget(*ref)
        return self._settings.poll_seconds if status.stage in WORKING else None

    def tell(self, ref: Ref, problem: Blocked) -> None:
        """Write down that the experiment is blocked."""
        body = self._cache.experiment(ref)
        if body is None:
            return
        before = status_from(body)
        generation = int(body["metadata"].get("generation", 1))
        after = blocked_status(
            before or ExperimentStatus(), before, generation, rfc3339(self._clock()), problem.reason, problem.message
        )
        self._patch(ref, str(body["metadata"]["uid"]), before, after)

    def resync(self) -> set[Ref]:
        """Compare what is known with fresh lists; returns every experiment."""
        for namespace in self._settings.namespaces or (None,):
            for kind, selector in ((EXPERIMENT, ""), (JOB, EXPERIMENT_LABEL), (POD, EXPERIMENT_LABEL)):
                before = {
                    uid: known
                    for uid, known in self._cache.known(kind).items()
                    if namespace in (None, known["metadata"]["namespace"])
                }
                self._cache.compare(kind, before, self._api.list(kind, namespace, selector))
        return self._cache.refs()

    def _observe(self, ref: Ref, experiment: Experiment, jobs: list[Manifest]) -> tuple[Facts, Backend | None]:
        now = self._clock()
        found = jobs_by_name(experiment, jobs, self._cache.children(POD, ref), now)
        backend = None if has_ended(experiment) else self._backends.of(experiment)
        if backend is not None and experiment.status is not None and experiment.status.stage == "Tuning":
            freed = release_dead_workers(self._api, self._cache, backend, ref)
            if freed:
                log.info("freed %d slots of workers that are gone", freed, extra={"experiment": str(ref)})
        return facts_of(experiment, found, backend, now), backend

    def _fresh(self, ref: Ref) -> tuple[Experiment, list[Manifest]] | None:
        """Experiment and Jobs from the API server; None if the experiment is gone."""
        try:
            body = self._api.get(EXPERIMENT, ref.namespace, ref.name)
        except ApiError as error:
            if not error.is_absent:
                raise
            for gone in self._cache.known(EXPERIMENT, ref).values():
                self._cache.drop(EXPERIMENT, gone)
            return None
        self._cache.put(EXPERIMENT, body)
        if body["metadata"].get("deletionTimestamp"):
            return None
        known = self._cache.known(JOB, ref)
        jobs = self._api.list(JOB, ref.namespace, f"{EXPERIMENT_LABEL}={ref.name}")
        self._cache.compare(JOB, known, jobs)
        return experiment_from(body), jobs

    def _act(self, ref: Ref, facts: Facts, decision: Decision, jobs: list[Manifest], backend: Backend | None) -> None:
        applier = Applier(
            self._api, self._settings, facts.experiment, facts.plan, {planned_name(found): found for found in jobs}
        )
        for action in decision.actions:
            changed = applier.act(action, backend)
            if changed is not None:
                self._cache.put(JOB, changed)
            log.info("%s", type(action).__name__, extra={"experiment": str(ref), "action": _brief(action)})

    def _with_obstacle(self, ref: Ref, experiment: Experiment, status: ExperimentStatus) -> ExperimentStatus:
        """Pods that cannot start are no failure of their Job; somebody has to be told all the same."""
        if status.stage not in WORKING:
            return status
        found = obstacle(pod for pod in self._cache.children(POD, ref) if is_alive(pod))
        if found is None:
            return status
        now, generation = rfc3339(self._clock()), experiment.metadata.generation
        return blocked_status(status, experiment.status, generation, now, "PodsCannotStart", found)

    def _write(self, ref: Ref, experiment: Experiment, status: ExperimentStatus) -> None:
        if status != experiment.status:
            self._patch(ref, experiment.metadata.uid or "", experiment.status, status)

    def _patch(self, ref: Ref, uid: str, before: ExperimentStatus | None, after: ExperimentStatus) -> None:
        """Server-side apply of the whole status, so that what is no longer said goes away."""
        if after == before:
            return
        metadata = {"name": ref.name, "namespace": ref.namespace, "uid": uid}
        try:
            body = self._api.apply(
                EXPERIMENT,
                ref.namespace,
                {"metadata": metadata, "status": status_json(after)},
                force=True,
                subresource="status",
            )
        except ApiError as error:
            if error.is_absent or error.is_conflict:
                return  # deleted, or deleted and created again: its event comes
            raise
        self._cache.put(EXPERIMENT, body)
        experiment = experiment_from(body)
        for note in notes(before, after):
            log.info("%s: %s", note.reason, note.text, extra={"experiment": str(ref), "stage": after.stage})
            publish(self._api, event(experiment, note, self._settings.identity, self._clock()))

    @contextmanager
    def _failures(self, ref: Ref) -> Iterator[None]:
        """What store, database and user input can do, as one type with advice; connections are made anew."""
        try:
            yield
        except ObjectExists as error:
            raise Blocked("PlanConflict", f"{error}; use another name or another spec.storage.artifacts") from error
        except StoreError as error:
            self._backends.forget(*ref)
            raise Blocked(
                "StoreUnavailable", f"{error}; check spec.storage, its Secret and the bucket", patience=2
            ) from error
        except StudyUnavailable as error:
            self._backends.forget(*ref)
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
