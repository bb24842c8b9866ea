"""Metrics of the work of Jobs and pods, from the difference between two states of an object.

A transition is counted when the watch reports it, so that a restarted operator counts nothing twice.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kubernetes.utils.quantity import parse_quantity
from prometheus_client import CollectorRegistry, Counter, Histogram

from ctrlab_api.job_indexes import parse_indexes
from ctrlab_api.names import PHASE_LABEL, ExitCode
from ctrlab_operator.kubernetes_api.api_client import Manifest
from ctrlab_operator.kubernetes_api.object_kinds import JOB, POD, ObjectKind
from ctrlab_operator.manifests.job_manifests import QUEUE_LABEL
from ctrlab_operator.observation.pod_failures import is_alive

BUCKETS = (10, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 72 * 3600, 168 * 3600)
"""Upper bounds in seconds, from ten seconds to a week."""
FINAL_RUNS = "evaluate"
"""Phase of final runs."""
CAUSES = {int(ExitCode.UNAVAILABLE): "unavailable", int(ExitCode.TERMINATED): "stopped"}
"""Causes of a repeated run by the exit code of its pod."""


class WorkMetrics:
    """Durations, lost and repeated runs, and device time of all experiments and ablations."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.phase_seconds = Histogram(
            "ctrlab_phase_seconds",
            "Time from the start of a Job to its end in seconds.",
            ["phase"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.queue_wait_seconds = Histogram(
            "ctrlab_job_queue_wait_seconds",
            "Time from the creation of a Job to its admission by the queue in seconds.",
            ["queue"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.runs_lost = Counter(
            "ctrlab_runs_lost_total",
            "Indexes of final runs that failed for good; an index is one run, or one batch of seeds.",
            registry=registry,
        )
        self.runs_retried = Counter(
            "ctrlab_runs_retried_total",
            "Pods of final runs that ended without a result and are started again, by cause.",
            ["cause"],
            registry=registry,
        )
        self.device_seconds = Counter(
            "ctrlab_gpu_seconds_total",
            "GPUs (or other devices) of ended pods, times their running time in seconds.",
            ["resource", "phase"],
            registry=registry,
        )

    def observe(self, kind: ObjectKind, before: Manifest | None, after: Mapping[str, Any]) -> None:
        """Count the transition from the cached state of a Job or pod to its new state."""
        if before is None:
            return
        if kind == JOB:
            self._observe_job(before, after)
        elif kind == POD and is_alive(before) and not is_alive(dict(after)):
            self._observe_ended_pod(after)

    def _observe_job(self, before: Manifest, after: Mapping[str, Any]) -> None:
        labels, status = after["metadata"].get("labels", {}), after.get("status", {})
        phase, started = labels.get(PHASE_LABEL, ""), status.get("startTime")
        if phase == FINAL_RUNS:
            self.runs_lost.inc(len(_failed_indexes(after) - _failed_indexes(before)))
        if started is None:
            return
        if before["spec"].get("suspend") and not after["spec"].get("suspend") and QUEUE_LABEL in labels:
            waited = _seconds(after["metadata"].get("creationTimestamp"), started)
            self.queue_wait_seconds.labels(labels[QUEUE_LABEL]).observe(waited)
        ended = _end_of(after)
        if ended is not None and _end_of(before) is None:
            self.phase_seconds.labels(phase).observe(_seconds(started, ended))

    def _observe_ended_pod(self, pod: Mapping[str, Any]) -> None:
        phase = pod["metadata"].get("labels", {}).get(PHASE_LABEL, "")
        for status in pod.get("status", {}).get("containerStatuses", ()):
            state = status.get("state", {}).get("terminated", {})
            seconds = _seconds(state.get("startedAt"), state.get("finishedAt"))
            for resource, number in _devices(pod):
                self.device_seconds.labels(resource, phase).inc(number * seconds)
            cause = _cause(pod, state)
            if phase == FINAL_RUNS and cause is not None:
                self.runs_retried.labels(cause).inc()


def _cause(pod: Mapping[str, Any], state: Mapping[str, Any]) -> str | None:
    """Return why a pod ended without a result; None if it has one, or if it is not started again."""
    code = int(state.get("exitCode", 0))
    if code in (ExitCode.SUCCESS, ExitCode.BAD_SPEC_OR_DATA, ExitCode.RUN_FAILED):
        return None
    conditions = pod.get("status", {}).get("conditions", ())
    if any(condition["type"] == "DisruptionTarget" and condition["status"] == "True" for condition in conditions):
        return "disruption"
    if state.get("reason") == "OOMKilled":
        return "out-of-memory"
    return CAUSES.get(code, "error")


def _devices(pod: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return the extended resources of a pod, such as nvidia.com/gpu, with their numbers."""
    return [
        (name, float(parse_quantity(amount)))
        for container in pod.get("spec", {}).get("containers", ())
        for name, amount in container.get("resources", {}).get("limits", {}).items()
        if "/" in name
    ]


def _failed_indexes(job: Mapping[str, Any]) -> frozenset[int]:
    return parse_indexes(job.get("status", {}).get("failedIndexes", ""))


def _end_of(job: Mapping[str, Any]) -> str | None:
    for condition in job.get("status", {}).get("conditions", ()):
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return str(condition["lastTransitionTime"])
    return None


def _seconds(start: str | None, end: str | None) -> float:
    if start is None or end is None:
        return 0.0
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
