"""The one decision to raise the number of seeds, from the pilot's validation metrics alone (Stein 1945).

The test set stays closed: nothing here reads a test metric or a prediction.
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
    """Apply the rule once; `pilot` holds the records of the pilot by variant and seed.

    Raises InvalidData where the plan asks for no extension, or a pair shares fewer than two seeds with a value.
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
                "to see a spread: run the failed seeds again",
            )
        spreads[f"{a} - {b}"] = float(np.std(differences, ddof=1))
    found = stein_two_stage(
        {pair: PairSpread(seed_sd=sd) for pair, sd in spreads.items()},
        pilot=seeds.count,
        maximum=seeds.max,
        half_width=half_width,
        confidence=float(plan.analysis.confidence),
    )
    return SeedDecision(
        pilot=seeds.count,
        count=found.seeds,
        half_width=half_width,
        metric=precision.metric,
        pilot_sd=spreads,
        reason=_reason(found, precision.metric),
    )


def _differences(a: dict[int, RunRecord], b: dict[int, RunRecord], metric: str) -> list[float]:
    pairs = [(a[seed].metrics_valid.get(metric), b[seed].metrics_valid.get(metric)) for seed in sorted(a) if seed in b]
    return [first - second for first, second in pairs if first is not None and second is not None]


def _reason(found: SeedExtension, metric: str) -> str:
    wanted = {pair: seeds for pair, seeds in found.needed.items() if seeds is not None}
    pair = max(wanted, key=lambda name: wanted[name]) if wanted else ""
    target = f"a half-width of {found.half_width:g} in {metric}"
    if found.reason is SeedReason.PRECISE:
        return f"The pilot of {found.pilot} seeds is precise enough for {target}."
    if found.reason is SeedReason.CAPPED:
        return (
            f"{pair} would need {wanted[pair]} seeds for {target}; seeds.max allows {found.maximum}, so the interval "
            "stays wider."
        )
    return f"{pair} needs {found.seeds} seeds for {target}, by the spread of its validation differences in the pilot."


def read_pilot(folder: Store) -> tuple[Plan, dict[str, dict[int, RunRecord]]]:
    """The plan, and the record of the first finished attempt of every pilot run that ended, by variant and seed.

    Raises InvalidData for a missing or damaged object, and for records of another plan, data set or search.
    """
    reader = ObjectReader(folder)
    plan, prepared = read_plan(reader), read_prepared(reader)
    studies = {name: read_study(reader, name, plan, prepared) for name in plan.names}
    attempts = list_attempts(reader, plan, read_decision(reader))
    found: dict[str, dict[int, RunRecord]] = {}
    for run in plan.final_runs():
        for first in attempts.get((run.variant, run.seed), ())[:1]:
            record = read_record(reader, run.variant, run.seed, first, plan, prepared, studies[run.variant])
            found.setdefault(run.variant, {})[run.seed] = record
    return plan, found
