"""Prometheus metrics: counters of the control loop, and gauges computed at each scrape from the cached statuses."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ProgressCounts, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, EXPERIMENT
from ctrlab_operator.process.work_metrics import WorkMetrics
from ctrlab_operator.reconciling.work_queue import WorkQueue


class Telemetry:
    """The metrics registry of one operator process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconcile_seconds = Histogram(
            "ctrlab_reconcile_seconds", "Duration of a reconcile in seconds.", registry=self.registry
        )
        self.reconcile_errors = Counter(
            "ctrlab_reconcile_errors_total",
            "Failed reconciles, which are retried, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.api_requests = Counter(
            "ctrlab_api_requests_total",
            "Requests to the API server other than watches; status 0 means no response.",
            ["verb", "resource", "status"],
            registry=self.registry,
        )

        self.work = WorkMetrics(self.registry)
        ProcessCollector(registry=self.registry)

    def count_request(self, verb: str, resource: str, status: int) -> None:
        """Count a request to the API server; status 0 means no response."""
        self.api_requests.labels(verb, resource, str(status)).inc()

    def add_gauges(self, cache: ObjectCache, queue: WorkQueue[ResourceRef], watch_age: Callable[[], float]) -> None:
        """Register the gauges that are computed from these objects."""
        self.registry.register(StateCollector(cache, queue, watch_age))


class StateCollector(Collector):
    """Computes the gauges of queue, watches and experiments at the time of a scrape."""

    def __init__(self, cache: ObjectCache, queue: WorkQueue[ResourceRef], watch_age: Callable[[], float]) -> None:
        self._cache = cache
        self._queue = queue
        self._watch_age = watch_age

    def collect(self) -> Iterator[Metric]:
        """Yield every gauge; called by the registry."""
        yield GaugeMetricFamily("ctrlab_queue_depth", "Resources that wait for a reconcile thread.", self._queue.depth)
        yield GaugeMetricFamily(
            "ctrlab_queue_oldest_seconds", "Longest wait in the queue in seconds.", self._queue.oldest_ready_seconds
        )
        yield GaugeMetricFamily(
            "ctrlab_longest_reconcile_seconds",
            "Age of the oldest running reconcile in seconds.",
            self._queue.longest_active_seconds,
        )
        yield GaugeMetricFamily(
            "ctrlab_watch_age_seconds", "Seconds since the last event of any watch.", self._watch_age()
        )
        experiments, ablations = self._cache.progress(EXPERIMENT), self._cache.progress(ABLATION)
        yield _gauge("ctrlab_experiments", "Experiments by stage.", "stage", _count_stages(experiments))
        yield _gauge("ctrlab_ablations", "Ablations by stage.", "stage", _count_stages(ablations))
        progress = [*experiments, *ablations]
        failed = sum(counts.trials_failed for counts in progress)
        trials = {"done": sum(counts.trials_done for counts in progress) - failed, "failed": failed}
        runs = {
            "done": sum(counts.runs_done for counts in progress),
            "failed": sum(counts.runs_failed for counts in progress),
        }
        yield _gauge("ctrlab_trials", "Trials of all experiments and ablations by state.", "state", trials)
        yield _gauge("ctrlab_runs", "Final runs of all experiments and ablations by state.", "state", runs)


def _count_stages(progress: list[ProgressCounts]) -> dict[str, int]:
    return Tally(counts.stage for counts in progress)


def _gauge(name: str, documentation: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for label_value, number in sorted(values.items()):
        family.add_metric([label_value], number)
    return family
