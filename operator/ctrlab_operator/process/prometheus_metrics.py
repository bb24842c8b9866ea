"""What Prometheus reads: counters of the loop, and gauges computed from the cached statuses when they are asked for."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ctrlab_operator.kubernetes_api.object_cache import ObjectCache, ProgressCounts, ResourceRef
from ctrlab_operator.kubernetes_api.object_kinds import ABLATION, EXPERIMENT
from ctrlab_operator.reconciling.work_queue import WorkQueue


class Telemetry:
    """One registry for one operator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconcile_seconds = Histogram(
            "ctrlab_reconcile_seconds", "Duration of one look at an experiment.", registry=self.registry
        )
        self.reconcile_errors = Counter(
            "ctrlab_reconcile_errors_total", "Looks that have to be repeated.", ["reason"], registry=self.registry
        )
        self.api_requests = Counter(
            "ctrlab_api_requests_total",
            "Requests to the API server beside the watches.",
            ["verb", "resource", "status"],
            registry=self.registry,
        )

    def count_request(self, verb: str, resource: str, status: int) -> None:
        """One request to the API server; status 0: no answer."""
        self.api_requests.labels(verb, resource, str(status)).inc()

    def watch(self, cache: ObjectCache, queue: WorkQueue[ResourceRef], watch_age: Callable[[], float]) -> None:
        """Add the gauges."""
        self.registry.register(StateCollector(cache, queue, watch_age))


class StateCollector(Collector):
    """Queue, watches and experiments as they are at the moment of the scrape."""

    def __init__(self, cache: ObjectCache, queue: WorkQueue[ResourceRef], watch_age: Callable[[], float]) -> None:
        self._cache = cache
        self._queue = queue
        self._watch_age = watch_age

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        yield GaugeMetricFamily("ctrlab_queue_depth", "Experiments that wait for a worker.", self._queue.depth)
        yield GaugeMetricFamily(
            "ctrlab_queue_oldest_seconds", "How long the first of them has waited.", self._queue.oldest_ready
        )
        yield GaugeMetricFamily(
            "ctrlab_longest_reconcile_seconds", "Age of the oldest look that goes on.", self._queue.longest_active
        )
        yield GaugeMetricFamily(
            "ctrlab_watch_age_seconds", "Time since the last event of any watch.", self._watch_age()
        )
        experiments, ablations = self._cache.progress(EXPERIMENT), self._cache.progress(ABLATION)
        yield _family("ctrlab_experiments", "Experiments by stage.", "stage", _stages(experiments))
        yield _family("ctrlab_ablations", "Ablations by stage.", "stage", _stages(ablations))
        every = [*experiments, *ablations]
        failed = sum(progress.trials_failed for progress in every)
        trials = {"done": sum(progress.trials_done for progress in every) - failed, "failed": failed}
        runs = {
            "done": sum(progress.runs_done for progress in every),
            "failed": sum(progress.runs_failed for progress in every),
        }
        yield _family("ctrlab_trials", "Trials of all experiments and ablations by state.", "state", trials)
        yield _family("ctrlab_runs", "Final runs of all experiments and ablations by state.", "state", runs)


def _stages(found: list[ProgressCounts]) -> dict[str, int]:
    return Tally(progress.stage for progress in found)


def _family(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family
