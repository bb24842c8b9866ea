"""The decision, made once, to add seeds, based only on the validation metrics of the pilot (Stein 1945).

The test rows stay sealed: this module reads no test metric and no prediction.
"""

import numpy as np

from ctrlab_api.errors import InvalidData
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.records import RunRecord, SeedDecision
from ctrlab_report.inputs.object_reader import (
    ObjectReader,
    list_attempts,
    read_decision,
    read_plan,
    read_prepared,
    read_record,
    read_study,
)
from ctrlab_report.statistics.stein_two_stage import PairSpread, SeedExtension, SeedReason, stein_two_stage
from ctrlab_store import Store


def decide_seed_count(plan: Plan, pilot: dict[str, dict[int, RunRecord]]) -> SeedDecision:
    """Apply the two-stage rule; `pilot` maps variant and seed to the record of a pilot run.

    Raises InvalidData if the plan has no extension, or a pair shares fewer than two seeds with a value.
    """
    precision, seeds = plan.evaluation.precision, plan.evaluation.seeds
    if precision is None or seeds.max is None:
        raise InvalidData.at(
            f"{ObjectKey.PLAN}, evaluation",
            "precision and seeds.max are absent, so the number of seeds is fixed; there is nothing to decide",
        )
    half_width = float(precision.half_width)
    spreads: dict[str, float] = {}
    for a, b in plan.comparisons():
        differences = _differences(pilot.get(a, {}), pilot.get(b, {}), precision.metric)
        if len(differences) < 2:
            raise InvalidData.at(
                f"runs/{a} and runs/{b}",
                f"{len(differences)} shared pilot seeds have a validation {precision.metric}; at least 2 are needed "
                "to estimate a spread: run the failed seeds again",
            )
        spreads[f"{a} - {b}"] = float(np.std(differences, ddof=1))
    extension = stein_two_stage(
        {pair: PairSpread(seed_sd=sd) for pair, sd in spreads.items()},
        pilot=seeds.count,
        maximum=seeds.max,
        half_width=half_width,
        confidence=float(plan.analysis.confidence),
    )
    return SeedDecision(
        pilot=seeds.count,
        count=extension.seeds,
        half_width=half_width,
        metric=precision.metric,
        pilot_sd=spreads,
        reason=_reason(extension, precision.metric),
    )


def _differences(a: dict[int, RunRecord], b: dict[int, RunRecord], metric: str) -> list[float]:
    pairs = [(a[seed].metrics_valid.get(metric), b[seed].metrics_valid.get(metric)) for seed in sorted(a) if seed in b]
    return [first - second for first, second in pairs if first is not None and second is not None]


def _reason(extension: SeedExtension, metric: str) -> str:
    needed = {pair: seeds for pair, seeds in extension.needed.items() if seeds is not None}
    pair = max(needed, key=lambda name: needed[name]) if needed else ""
    target = f"a half-width of {extension.half_width:g} in {metric}"
    if extension.reason is SeedReason.PRECISE:
        return f"The pilot of {extension.pilot} seeds is precise enough for {target}."
    if extension.reason is SeedReason.CAPPED:
        return (
            f"{pair} would need {needed[pair]} seeds for {target}; seeds.max allows {extension.maximum}, so the "
            "interval remains wider."
        )
    return (
        f"{pair} needs {extension.seeds} seeds for {target}, given the spread of its validation differences in the "
        "pilot."
    )


def read_pilot(folder: Store) -> tuple[Plan, dict[str, dict[int, RunRecord]]]:
    """Return the plan and the records of finished pilot runs (first finished attempt) by variant and seed.

    Raises InvalidData for a missing or damaged object, and for records of another plan, data set or study.
    """
    reader = ObjectReader(folder)
    plan, prepared = read_plan(reader), read_prepared(reader)
    studies = {name: read_study(reader, name, plan, prepared) for name in plan.names}
    attempts = list_attempts(reader, plan, read_decision(reader))
    pilot: dict[str, dict[int, RunRecord]] = {}
    for run in plan.final_runs():
        for first in attempts.get((run.variant, run.seed), ())[:1]:
            record = read_record(reader, run.variant, run.seed, first, plan, prepared, studies[run.variant])
            pilot.setdefault(run.variant, {})[run.seed] = record
    return plan, pilot
