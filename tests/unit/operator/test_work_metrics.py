"""Durations, lost and repeated runs and device time are counted once, when they happen."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from ctrlab_operator.kubernetes_api.object_kinds import JOB, POD
from ctrlab_operator.process.work_metrics import WorkMetrics

CREATED, STARTED, ENDED = "2026-01-01T10:00:00Z", "2026-01-01T10:30:00Z", "2026-01-01T12:30:00Z"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> WorkMetrics:
    return WorkMetrics(registry)


def job(*, suspend: bool = False, failed: str = "", ended: bool = False, phase: str = "evaluate") -> dict[str, Any]:
    conditions = [{"type": "Failed", "status": "True", "lastTransitionTime": ENDED}] if ended else []
    status = {"failedIndexes": failed, "conditions": conditions} | ({} if suspend else {"startTime": STARTED})
    labels = {"ctrlab.dev/phase": phase, "kueue.x-k8s.io/queue-name": "research"}
    metadata = {"name": "j", "uid": "u", "creationTimestamp": CREATED, "labels": labels}
    return {"metadata": metadata, "spec": {"suspend": suspend}, "status": status}


def pod(code: int | None, reason: str = "Error", *, disrupted: bool = False, phase: str = "evaluate") -> dict[str, Any]:
    state: dict[str, Any] = {"running": {}}
    if code is not None:
        ended = {"exitCode": code, "reason": reason, "startedAt": STARTED, "finishedAt": ENDED}
        state = {"terminated": ended}
    limits = {"cpu": "4", "nvidia.com/gpu": "2"}
    return {
        "metadata": {"name": "p", "uid": "u", "labels": {"ctrlab.dev/phase": phase}},
        "spec": {"containers": [{"resources": {"limits": limits}}]},
        "status": {
            "phase": "Running" if code is None else "Succeeded" if code == 0 else "Failed",
            "conditions": [{"type": "DisruptionTarget", "status": "True"}] if disrupted else [],
            "containerStatuses": [{"state": state}],
        },
    }


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(name, labels) or 0.0


def test_the_duration_of_a_phase_is_observed_when_its_job_ends(
    registry: CollectorRegistry, metrics: WorkMetrics
) -> None:
    metrics.observe(JOB, None, job(ended=True))
    assert value(registry, "ctrlab_phase_seconds_count", phase="evaluate") == 0
    metrics.observe(JOB, job(), job(ended=True))
    metrics.observe(JOB, job(ended=True), job(ended=True))
    assert value(registry, "ctrlab_phase_seconds_sum", phase="evaluate") == 7200


def test_the_wait_in_a_queue_is_observed_on_admission(registry: CollectorRegistry, metrics: WorkMetrics) -> None:
    metrics.observe(JOB, job(suspend=True), job(suspend=True))
    metrics.observe(JOB, job(suspend=True), job())
    metrics.observe(JOB, job(), job())
    assert value(registry, "ctrlab_job_queue_wait_seconds_sum", queue="research") == 1800
    assert value(registry, "ctrlab_job_queue_wait_seconds_count", queue="research") == 1


def test_lost_runs_are_the_new_failed_indexes_of_final_runs(registry: CollectorRegistry, metrics: WorkMetrics) -> None:
    metrics.observe(JOB, job(failed="1"), job(failed="1,4-5"))
    metrics.observe(JOB, job(phase="tune"), job(phase="tune", failed="0"))
    assert value(registry, "ctrlab_runs_lost_total") == 2


@pytest.mark.parametrize(
    ("ended", "cause"),
    [
        (pod(1), "error"),
        (pod(75), "unavailable"),
        (pod(143), "stopped"),
        (pod(137, "OOMKilled"), "out-of-memory"),
        (pod(137, disrupted=True), "disruption"),
        (pod(0), None),
        (pod(43), None),
        (pod(1, phase="tune"), None),
    ],
)
def test_a_repeated_run_has_a_cause(
    ended: dict[str, Any], cause: str | None, registry: CollectorRegistry, metrics: WorkMetrics
) -> None:
    metrics.observe(POD, pod(None), ended)
    metrics.observe(POD, ended, ended)
    samples = {
        sample.labels["cause"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "ctrlab_runs_retried_total"
    }
    assert samples == ({cause: 1.0} if cause else {})


def test_device_time_is_that_of_ended_pods(registry: CollectorRegistry, metrics: WorkMetrics) -> None:
    metrics.observe(POD, pod(None), pod(0, phase="tune"))
    assert value(registry, "ctrlab_gpu_seconds_total", resource="nvidia.com/gpu", phase="tune") == 14400
