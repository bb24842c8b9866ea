"""What an ablation says beside its comparisons: drops with verdicts, an order where intervals support one, cost.

Every number here is one of the primary comparisons seen from the full model: a drop is what the change costs.
"""

from collections.abc import Sequence

from ctrlab_api.ablation_plan import describe_change
from ctrlab_api.metrics import METRIC_DIRECTIONS
from ctrlab_api.plan import Plan, Variant
from ctrlab_api.records import ComparisonSummary, ConfidenceInterval, ModelSummary
from ctrlab_api.records.ablation_summary import AblationRow, AblationSummary
from ctrlab_report.analysis.factorial_effects import factorial_effects
from ctrlab_report.analysis.scored_metrics import ScoredMetrics
from ctrlab_report.formatting.number_formats import metric_name
from ctrlab_report.inputs.report_inputs import ReportInputs


def summarise_ablation(
    inputs: ReportInputs,
    scored: ScoredMetrics,
    models: Sequence[ModelSummary],
    comparisons: Sequence[ComparisonSummary],
) -> AblationSummary | None:
    """None for a report that is no ablation's."""
    plan = inputs.plan
    if plan.parent is None:
        return None
    primary = {row.a: row for row in comparisons if row.role == "primary"}
    by_name = {model.name: model for model in models}
    rows = [_row(inputs, plan.variant(name), primary[name], by_name) for name in plan.names if name in primary]
    ranked = tuple(sorted((_ranked(row, rows) for row in rows), key=lambda row: -(row.drop or float("-inf"))))
    return AblationSummary(
        experiment=plan.parent.experiment,
        plan_digest=plan.parent.plan_digest,
        search_token=plan.parent.search_token,
        full_model=plan.parent.model,
        hyperparameters=plan.parent.hyperparameters,
        tuning_statement=_tuning_statement(inputs),
        reused_runs=sum(run.record is not None and run.record.reused_from is not None for run in inputs.runs),
        rows=ranked,
        ranking_statement=_ranking_statement(ranked),
        effects=factorial_effects(inputs, scored, plan.parent.factorial) if plan.parent.factorial else (),
    )


def _row(
    inputs: ReportInputs, variant: Variant, found: ComparisonSummary, models: dict[str, ModelSummary]
) -> AblationRow:
    plan, population = inputs.plan, found.population
    sign = 1.0 if METRIC_DIRECTIONS[plan.analysis.primary_metric] == "minimize" else -1.0
    own, full = models[variant.name], models[plan.reference]
    records = [run.record for run in inputs.runs_of(variant.name) if run.record is not None]
    return AblationRow(
        variant=variant.name,
        change=describe_change(plan, variant),
        drop=None if found.difference is None else sign * found.difference,
        interval=_turned(population.interval, sign) if population else None,
        simultaneous=_turned(population.simultaneous, sign) if population and population.simultaneous else None,
        p_adjusted=population.p_adjusted if population else None,
        verdict=found.verdict,
        label=found.label,
        reading=_reading(plan, found),
        best_rank=1,
        worst_rank=1,
        parameters=own.parameters,
        parameters_full=full.parameters,
        seconds=own.cost.wall_seconds_mean if own.cost else None,
        seconds_full=full.cost.wall_seconds_mean if full.cost else None,
        record=records[0].change if records else None,
    )


def _turned(bounds: ConfidenceInterval, sign: float) -> ConfidenceInterval:
    """The interval of sign times the quantity."""
    low, high = sorted((sign * bounds.low, sign * bounds.high))
    return bounds.model_copy(update={"low": low, "high": high})


def _reading(plan: Plan, found: ComparisonSummary) -> str:
    metric, margin = metric_name(plan.analysis.primary_metric), plan.analysis.margin
    match found.verdict:
        case "worse":
            return f"The full model needs it: the change costs {metric}."
        case "better":
            return f"The model is better with the change: what was taken away hurt {metric}."
        case "equivalent":
            return f"Not needed at this margin: the change moves {metric} by less than {margin}."
        case "better-on-this-test-set-only":
            return "A difference on these test rows that may not hold on new ones; nothing follows for new data."
        case "degenerate":
            return "No statement: there are no results to compare."
    return "Undecided: neither a difference nor its absence is shown."


def _ranked(row: AblationRow, rows: Sequence[AblationRow]) -> AblationRow:
    """Ranks that the simultaneous intervals allow: one drop is surely larger where the intervals do not overlap."""
    bounds = row.simultaneous
    others = [other.simultaneous for other in rows if other is not row and other.simultaneous is not None]
    larger = sum(bounds is not None and other.low > bounds.high for other in others)
    smaller = sum(bounds is not None and other.high < bounds.low for other in others)
    return row.model_copy(update={"best_rank": 1 + larger, "worst_rank": len(rows) - smaller})


def _ranking_statement(rows: Sequence[AblationRow]) -> str:
    if len(rows) < 2:
        return "With one variant there is nothing to rank."
    if any(row.best_rank > 1 or row.worst_rank < len(rows) for row in rows):
        return "Ranks are ranges: one variant is above another only where their simultaneous intervals do not overlap."
    return "The intervals support no order among the variants; the order of the table is that of the estimates."


def _tuning_statement(inputs: ReportInputs) -> str:
    plan = inputs.plan
    assert plan.parent is not None
    full, tuned = plan.parent.model, inputs.studies[plan.reference].best.parameters
    if plan.parent.hyperparameters == "Retune":
        budgets = {name: inputs.studies[name].budget for name in plan.names}
        if len(set(budgets.values())) == 1:
            return f"Every variant was tuned anew with the full model's budget of {budgets[full]} trials."
        listed = ", ".join(f"{name} {budget}" for name, budget in budgets.items())
        return (
            f"Every variant was tuned anew with up to the full model's budget of {budgets[full]} trials; one whose "
            f"change leaves less to search had fewer ({listed})."
        )
    if not tuned:
        return "Nothing was tuned: all variants share the experiment's fixed hyper-parameters."
    return (
        f"Hyper-parameters were tuned for {full} and kept for every variant. A variant might do better with values of "
        "its own, so its drop may be too large; `hyperparameters: Retune` tunes each with the same budget."
    )
