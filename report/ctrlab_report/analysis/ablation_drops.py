"""The ablation part of a report: the drop of each variant with its verdict, possible ranks, and cost.

Every number is from a primary comparison with the full model: a drop is the loss in the primary metric that the change
causes.
"""

from collections.abc import Sequence

from ctrlab_api.ablation_plan import describe_change
from ctrlab_api.plan import ParentExperiment, Plan, Variant
from ctrlab_api.records import ComparisonSummary, ConfidenceInterval, ModelSummary
from ctrlab_api.records.ablation_summary import AblationRow, AblationSummary
from ctrlab_report.analysis.factorial_effects import factorial_effects
from ctrlab_report.analysis.scored_metrics import ScoredMetrics
from ctrlab_report.formatting.number_formats import metric_name
from ctrlab_report.inputs.report_inputs import ReportInputs


def summarize_ablation(
    inputs: ReportInputs,
    scored: ScoredMetrics,
    models: Sequence[ModelSummary],
    comparisons: Sequence[ComparisonSummary],
) -> AblationSummary | None:
    """Return the ablation part of the summary; None for the report of an experiment."""
    plan = inputs.plan
    if plan.parent is None:
        return None
    primary = {row.a: row for row in comparisons if row.role == "primary"}
    by_name = {model.name: model for model in models}
    rows = [_row(inputs, plan.variant(name), primary[name], by_name) for name in plan.names if name in primary]
    ranked = tuple(sorted((_with_ranks(row, rows) for row in rows), key=lambda row: -(row.drop or float("-inf"))))
    return AblationSummary(
        experiment=plan.parent.experiment,
        plan_digest=plan.parent.plan_digest,
        search_token=plan.parent.search_token,
        full_model=plan.parent.model,
        hyperparameters=plan.parent.hyperparameters,
        tuning_statement=_tuning_statement(inputs, plan.parent),
        reused_runs=sum(run.record is not None and run.record.reused_from is not None for run in inputs.runs),
        rows=ranked,
        ranking_statement=_ranking_statement(ranked),
        effects=factorial_effects(inputs, scored, plan.parent.factorial) if plan.parent.factorial else (),
    )


def _row(
    inputs: ReportInputs, variant: Variant, comparison: ComparisonSummary, models: dict[str, ModelSummary]
) -> AblationRow:
    plan, population = inputs.plan, comparison.population
    sign = 1.0 if plan.direction == "minimize" else -1.0
    altered, full = models[variant.name], models[plan.reference]
    records = [run.record for run in inputs.runs_of(variant.name) if run.record is not None]
    return AblationRow(
        variant=variant.name,
        change=describe_change(plan, variant),
        drop=None if comparison.difference is None else sign * comparison.difference,
        interval=_scaled(population.interval, sign) if population else None,
        simultaneous=_scaled(population.simultaneous, sign) if population and population.simultaneous else None,
        p_adjusted=population.p_adjusted if population else None,
        verdict=comparison.verdict,
        label=comparison.label,
        reading=_reading(plan, comparison),
        best_rank=1,
        worst_rank=1,
        parameters=altered.parameters,
        parameters_full=full.parameters,
        seconds=altered.cost.wall_seconds_mean if altered.cost else None,
        seconds_full=full.cost.wall_seconds_mean if full.cost else None,
        record=records[0].change if records else None,
    )


def _scaled(bounds: ConfidenceInterval, sign: float) -> ConfidenceInterval:
    """Return the interval of `sign` times the quantity."""
    low, high = sorted((sign * bounds.low, sign * bounds.high))
    return bounds.model_copy(update={"low": low, "high": high})


def _reading(plan: Plan, comparison: ComparisonSummary) -> str:
    metric, margin = metric_name(plan.analysis.primary_metric), plan.analysis.margin
    match comparison.verdict:
        case "worse":
            return f"The full model is better: the change makes {metric} worse."
        case "better":
            return f"The variant is better: the change improves {metric}."
        case "equivalent":
            return f"Equivalent at this margin: the change alters {metric} by less than {margin}."
        case "better-on-this-test-set-only":
            return "A difference on these test rows only; no conclusion for new data."
        case "degenerate":
            return "No conclusion: there are no results to compare."
    return "Undecided: neither a difference nor equivalence is shown."


def _with_ranks(row: AblationRow, rows: Sequence[AblationRow]) -> AblationRow:
    """Return the row with its range of ranks.

    A drop is larger than another if their simultaneous intervals do not overlap.
    """
    bounds = row.simultaneous
    others = [other.simultaneous for other in rows if other is not row and other.simultaneous is not None]
    larger = sum(bounds is not None and other.low > bounds.high for other in others)
    smaller = sum(bounds is not None and other.high < bounds.low for other in others)
    return row.model_copy(update={"best_rank": 1 + larger, "worst_rank": len(rows) - smaller})


def _ranking_statement(rows: Sequence[AblationRow]) -> str:
    if len(rows) < 2:
        return "A single variant has no rank."
    if any(row.best_rank > 1 or row.worst_rank < len(rows) for row in rows):
        return "Ranks are ranges: a variant ranks above another only if their simultaneous intervals do not overlap."
    return "The intervals support no order among the variants; the table is ordered by the estimates."


def _tuning_statement(inputs: ReportInputs, parent: ParentExperiment) -> str:
    plan = inputs.plan
    if parent.hyperparameters == "Retune":
        budgets = {name: inputs.studies[name].budget for name in plan.names}
        if len(set(budgets.values())) == 1:
            return f"Every variant was tuned again with the full model's budget of {budgets[parent.model]} trials."
        listed = ", ".join(f"{name} {budget}" for name, budget in budgets.items())
        return (
            f"Every variant was tuned again with up to the full model's budget of {budgets[parent.model]} trials; "
            f"variants with a smaller search space had fewer ({listed})."
        )
    if not inputs.studies[plan.reference].best.parameters:
        return "Nothing was tuned: all variants use the experiment's fixed hyperparameters."
    return (
        f"Hyperparameters were tuned for {parent.model} and reused for every variant. A variant might do better with "
        "hyperparameters tuned for it, so its drop may be overestimated; `hyperparameters: Retune` tunes each variant "
        "with the same budget."
    )
