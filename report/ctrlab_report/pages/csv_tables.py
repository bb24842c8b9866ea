"""`runs.csv` and `comparisons.csv`: the numbers as tidy tables for other people's tools."""

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
    """One row for each planned run and metric; values of runs without a result are empty."""
    return _csv(
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
    """One row for each comparison and metric."""
    experiment = f"{summary.namespace}/{summary.experiment}/{summary.uid}"
    return _csv(COMPARISON_COLUMNS, ({"experiment": experiment, **_comparison(row)} for row in summary.comparisons))


def _comparison(row: ComparisonSummary) -> dict[str, Cell]:
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
    if (found := row.population) is not None:
        cells |= {
            "se": found.se,
            "df": found.df,
            "low": found.interval.low,
            "high": found.interval.high,
            "confidence": found.interval.confidence,
            "p": found.p,
            "p_adjusted": found.p_adjusted,
            "simultaneous_low": found.simultaneous.low if found.simultaneous else None,
            "simultaneous_high": found.simultaneous.high if found.simultaneous else None,
            "seed_se": found.seed_se,
            "test_se": found.test_se,
            "seed_share": found.seed_share,
            "method": found.method,
        }
    if (rows := row.this_test_set) is not None:
        cells |= {"this_test_set_p": rows.p, "correlation": rows.correlation}
        if rows.interval is not None:
            cells |= {"this_test_set_low": rows.interval.low, "this_test_set_high": rows.interval.high}
    for name, exact in (("sign_flip_p", row.distribution_free), ("wilcoxon_p", row.signed_rank)):
        cells[name] = exact.p if exact is not None else None
    if (effect := row.standardized) is not None and effect.interval is not None:
        cells |= {"d_z": effect.value, "d_z_low": effect.interval.low, "d_z_high": effect.interval.high}
    if (equal := row.equivalence) is not None:
        cells |= {
            "margin": equal.margin,
            "equivalence_p": equal.p,
            "probability_below": equal.below,
            "probability_within": equal.within,
            "probability_above": equal.above,
        }
    if (power := row.detectable) is not None:
        cells |= {"critical_difference": power.critical_difference, "minimum_detectable": power.minimum_detectable}
    return cells


def _csv(columns: tuple[str, ...], rows: Iterable[Mapping[str, Cell]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if cell is None else cell for key, cell in row.items()} for row in rows)
    return text.getvalue().encode()
