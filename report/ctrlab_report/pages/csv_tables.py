"""`runs.csv` and `comparisons.csv`: the numbers of a report as tidy tables for other programs."""

import csv
import io
from collections.abc import Iterable, Mapping

from ctrlab_api.records import ComparisonSummary, ReportSummary

RUN_COLUMNS = (
    "experiment",
    "model",
    "seed",
    "attempt",
    "state",
    "metric",
    "test",
    "validation",
    "best_epoch",
    "wall_seconds",
    "parameters",
    "anomalies",
)

COMPARISON_COLUMNS = (
    "experiment",
    "a",
    "b",
    "metric",
    "role",
    "direction",
    "seeds",
    "difference",
    "se",
    "df",
    "low",
    "high",
    "confidence",
    "p",
    "p_adjusted",
    "simultaneous_low",
    "simultaneous_high",
    "seed_se",
    "test_se",
    "seed_share",
    "this_test_set_low",
    "this_test_set_high",
    "this_test_set_p",
    "sign_flip_p",
    "wilcoxon_p",
    "correlation",
    "relative_improvement",
    "d_z",
    "d_z_low",
    "d_z_high",
    "margin",
    "equivalence_p",
    "probability_below",
    "probability_within",
    "probability_above",
    "critical_difference",
    "minimum_detectable",
    "verdict",
    "method",
    "inputs_digest",
)

Cell = str | int | float | None


def runs_csv(summary: ReportSummary) -> bytes:
    """Return one row for each planned run and metric; values of runs without a result are empty."""
    return _to_csv(
        RUN_COLUMNS,
        (
            {
                "experiment": f"{summary.namespace}/{summary.experiment}/{summary.uid}",
                "model": model.name,
                "seed": run.seed,
                "attempt": run.attempt,
                "state": run.state,
                "metric": metric,
                "test": numbers.by_seed.get(str(run.seed)),
                "validation": numbers.by_seed_validation.get(str(run.seed)),
                "best_epoch": run.best_epoch,
                "wall_seconds": run.wall_seconds,
                "parameters": model.parameters,
                "anomalies": " ".join(anomaly.kind for anomaly in run.anomalies),
            }
            for model in summary.models
            for run in model.runs
            for metric, numbers in model.metrics.items()
        ),
    )


def comparisons_csv(summary: ReportSummary) -> bytes:
    """Return one row for each comparison and metric."""
    experiment = f"{summary.namespace}/{summary.experiment}/{summary.uid}"
    return _to_csv(
        COMPARISON_COLUMNS, ({"experiment": experiment, **_comparison_cells(row)} for row in summary.comparisons)
    )


def _comparison_cells(row: ComparisonSummary) -> dict[str, Cell]:
    cells: dict[str, Cell] = {
        "a": row.a,
        "b": row.b,
        "metric": row.metric,
        "role": row.role,
        "direction": row.direction,
        "seeds": len(row.seeds),
        "difference": row.difference,
        "relative_improvement": row.relative_improvement,
        "verdict": row.verdict,
        "inputs_digest": row.inputs_digest,
    }
    if (population := row.population) is not None:
        cells |= {
            "se": population.se,
            "df": population.df,
            "low": population.interval.low,
            "high": population.interval.high,
            "confidence": population.interval.confidence,
            "p": population.p,
            "p_adjusted": population.p_adjusted,
            "simultaneous_low": population.simultaneous.low if population.simultaneous else None,
            "simultaneous_high": population.simultaneous.high if population.simultaneous else None,
            "seed_se": population.seed_se,
            "test_se": population.test_se,
            "seed_share": population.seed_share,
            "method": population.method,
        }
    if (this_test_set := row.this_test_set) is not None:
        cells |= {"this_test_set_p": this_test_set.p, "correlation": this_test_set.correlation}
        if this_test_set.interval is not None:
            cells |= {
                "this_test_set_low": this_test_set.interval.low,
                "this_test_set_high": this_test_set.interval.high,
            }
    for name, test in (("sign_flip_p", row.distribution_free), ("wilcoxon_p", row.signed_rank)):
        cells[name] = test.p if test is not None else None
    if (effect := row.standardized) is not None and effect.interval is not None:
        cells |= {"d_z": effect.value, "d_z_low": effect.interval.low, "d_z_high": effect.interval.high}
    if (equivalence := row.equivalence) is not None:
        cells |= {
            "margin": equivalence.margin,
            "equivalence_p": equivalence.p,
            "probability_below": equivalence.below,
            "probability_within": equivalence.within,
            "probability_above": equivalence.above,
        }
    if (detectable := row.detectable) is not None:
        cells |= {
            "critical_difference": detectable.critical_difference,
            "minimum_detectable": detectable.minimum_detectable,
        }
    return cells


def _to_csv(columns: tuple[str, ...], rows: Iterable[Mapping[str, Cell]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if cell is None else cell for key, cell in row.items()} for row in rows)
    return text.getvalue().encode()
