"""Measure time and memory of the statistics engine, compared with scikit-learn and MLstatkit where they overlap.

Run with `python -P bench/statistics_engine.py`. This is not a test: times vary.
"""

import resource
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ctrlab_report.statistics.covariance import MetricCovariance, covariance_from_scores
from ctrlab_report.statistics.delong_placements import auc
from ctrlab_report.statistics.input_checks import BoolArray
from ctrlab_report.statistics.model_comparison import (
    ComparisonSettings,
    ModelRuns,
    compare_family,
    compare_pair,
)
from ctrlab_report.statistics.row_clusters import cluster_rows
from ctrlab_report.statistics.single_run_estimates import compare_single_runs
from ctrlab_report.statistics.supported_metrics import Metric

MODELS, SEEDS, ROWS = 3, 10, 1_000_000
Scores = NDArray[np.float32]
Result = TypeVar("Result")


def main() -> None:
    """Print all measurements."""
    labels = make_labels(ROWS)
    users = cluster_rows(np.random.default_rng(1).integers(0, 50_000, ROWS))
    for metric, clusters in ((Metric.AUC, None), (Metric.AUC, users), (Metric.LOGLOSS, None), (Metric.GAUC, users)):
        suffix = "" if clusters is None else f", {clusters.count} users"
        covariance, seconds = timed(
            lambda metric=metric, clusters=clusters: covariance_from_scores(  # type: ignore[misc]
                metric, labels, stream_scores(labels, MODELS * SEEDS), clusters=clusters
            )
        )
        _, comparison_seconds = timed(lambda covariance=covariance: all_pairs(covariance))  # type: ignore[misc]
        print(
            f"{metric}{suffix}: {MODELS * SEEDS} runs x {ROWS} rows {seconds:.2f} s, all pairs "
            f"{comparison_seconds:.3f} s"
        )
    print(f"peak memory {peak_gib():.2f} GiB (scores are generated one run at a time; their time is included)")
    delong_against_mlstatkit(labels)
    auc_against_scikit_learn()


def all_pairs(covariance: MetricCovariance) -> None:
    """Compare all pairs of the three models, with correction and verdicts."""
    runs = [
        ModelRuns(f"model {model}", tuple(range(SEEDS)), tuple(range(model * SEEDS, (model + 1) * SEEDS)))
        for model in range(MODELS)
    ]
    settings = ComparisonSettings(margin=0.001)
    pairs = [(runs[0], runs[1]), (runs[0], runs[2]), (runs[1], runs[2])]
    compare_family([compare_pair(a, b, covariance, settings, len(pairs)) for a, b in pairs], settings)


def delong_against_mlstatkit(labels: BoolArray) -> None:
    """Compare two runs on a million rows by DeLong's test, with this engine and with MLstatkit."""
    scores = np.stack(list(stream_scores(labels, 2)))
    ours, seconds = timed(lambda: compare_single_runs(covariance_from_scores(Metric.AUC, labels, [scores])))
    print(f"DeLong of two runs, {ROWS} rows: {seconds:.2f} s, {ours}")
    if find_spec("MLstatkit") is None:
        print("MLstatkit is not installed")
        return
    library = import_module("MLstatkit")
    theirs, their_seconds = timed(lambda: library.Delong_test(labels.astype(int), scores[0], scores[1]))
    print(f"MLstatkit: {their_seconds:.2f} s ({their_seconds / seconds:.1f} times as long), z and p {theirs[:2]}")


def auc_against_scikit_learn() -> None:
    """Compute the AUC of five million rows, with and without ties."""
    labels = make_labels(5_000_000)
    distinct = next(stream_scores(labels, 1))
    for name, scores in (("distinct", distinct), ("tied", np.round(distinct, 3))):
        ours, seconds = timed(lambda scores=scores: auc(labels, scores))  # type: ignore[misc]
        theirs, their_seconds = timed(lambda scores=scores: roc_auc_score(labels, scores))  # type: ignore[misc]
        print(
            f"AUC of 5 M rows, {name}: {seconds:.2f} s, scikit-learn {their_seconds:.2f} s "
            f"({their_seconds / seconds:.1f} times), "
            f"difference {abs(ours - theirs):.1e}"
        )


def make_labels(rows: int) -> BoolArray:
    """Return labels with one click in ten rows."""
    return np.random.default_rng(0).random(rows) < 0.1


def stream_scores(labels: BoolArray, runs: int) -> Iterator[Scores]:
    """Yield the scores of one run after the other."""
    generator = np.random.default_rng(2)
    shared = generator.normal(size=labels.size).astype(np.float32)
    for _ in range(runs):
        logits = (
            labels * np.float32(1.0) + shared + np.float32(0.1) * generator.standard_normal(labels.size, np.float32)
        )
        yield (1.0 / (1.0 + np.exp(2.0 - logits))).astype(np.float32)


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return the result of `work` and its duration in seconds."""
    start = perf_counter()
    return work(), perf_counter() - start


def peak_gib() -> float:
    """Return the peak resident memory of this process in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
