"""The analysis of a report: a pure function from its inputs to the summary that every page and table renders."""

from ctrlab_api.canonical_json import digest
from ctrlab_api.metrics import METRIC_DEFINITIONS
from ctrlab_api.plan import Plan
from ctrlab_api.records import ComparisonSummary, EarlierPlan, ModelSummary, ReportSummary, search_token
from ctrlab_api.records.reanalysis import Reanalysis
from ctrlab_report.analysis.ablation_drops import summarize_ablation
from ctrlab_report.analysis.findings import collect_findings, count_openings, list_machines, missing_statement
from ctrlab_report.analysis.methods_used import library_versions, methods_used
from ctrlab_report.analysis.model_summaries import summarize_models
from ctrlab_report.analysis.planned_comparisons import summarize_comparisons
from ctrlab_report.analysis.scored_metrics import score_metrics
from ctrlab_report.analysis.tuning_summaries import summarize_tuning, tuning_statement
from ctrlab_report.formatting.number_formats import (
    decimals_for_spread,
    format_confidence,
    format_interval,
    format_mean_sd,
    metric_name,
)
from ctrlab_report.inputs.report_inputs import ReportInputs


def report_digest(inputs: ReportInputs) -> str:
    """Return the address of the report: a digest of its inputs and of the versions of all code that computes it."""
    return digest({"inputs": inputs.input_digests, "versions": library_versions()})


def analyse_report(inputs: ReportInputs) -> ReportSummary:
    """Return the whole report as numbers and sentences; equal inputs give an equal summary."""
    plan = inputs.plan
    scored = score_metrics(inputs)
    models = summarize_models(inputs, scored)
    comparisons = summarize_comparisons(inputs, scored)
    tuning = summarize_tuning(inputs, models)
    earlier_plans = inputs.lineage.plans_that_opened(inputs.prepared)
    is_reanalysis_of_results = inputs.reanalysis is not None and inputs.reanalysis.opened
    details = next((run.record.metric_details for run in inputs.runs if run.record is not None), {})
    summary = ReportSummary(
        namespace=inputs.key.namespace,
        experiment=inputs.key.name,
        uid=inputs.key.uid,
        digest=report_digest(inputs),
        status="exploratory" if earlier_plans or is_reanalysis_of_results else "confirmatory",
        status_reason=_status_reason(earlier_plans, inputs.reanalysis),
        reanalysis=inputs.reanalysis,
        plan_digest=plan.digest,
        search_token=search_token(inputs.studies.values()),
        question=_question(plan),
        answers=_answers(plan, models, comparisons),
        primary_metric=plan.analysis.primary_metric,
        metrics=plan.analysis.metrics,
        metric_definitions={name: METRIC_DEFINITIONS[name] for name in plan.analysis.metrics},
        metric_details=details,
        reference=plan.reference,
        confidence=float(plan.analysis.confidence),
        correction=plan.analysis.correction,
        margin=float(plan.analysis.margin) if plan.analysis.margin else None,
        seeds=inputs.seeds,
        cluster=None if scored.clustered_by is None else getattr(plan.dataset, scored.clustered_by),
        data=inputs.prepared,
        missing_statement=missing_statement(inputs),
        data_source=plan.dataset.source.uri,
        split=_split(plan),
        models=models,
        comparisons=comparisons,
        tuning=tuning,
        tuning_statement=tuning_statement(tuning),
        ablation=summarize_ablation(inputs, scored, models, comparisons),
        seed_decision=inputs.decision,
        openings=count_openings(inputs),
        findings=collect_findings(inputs, scored, tuning),
        machines=list_machines(inputs),
        methods={},
        inputs=inputs.input_digests,
        versions=library_versions(),
    )
    return summary.model_copy(update={"methods": methods_used(summary)})


def _status_reason(earlier_plans: tuple[EarlierPlan, ...], reanalysis: Reanalysis | None) -> str:
    if reanalysis is not None:
        others = tuple(plan for plan in earlier_plans if plan.plan_digest != reanalysis.plan_digest)
        if others:
            return f"{reanalysis.statement} {_status_reason(others, None)}"
        if not reanalysis.opened:
            return reanalysis.statement
        return f"{reanalysis.statement} Its p-values are exploratory: confirm a claim on new test data."
    if not earlier_plans:
        return "The analysis plan was frozen and hashed before the test set was opened, and it was followed."
    same_name = sum(plan.experiment is None for plan in earlier_plans)
    sources = [f"{same_name} earlier plan{'s' if same_name > 1 else ''} of this name"] if same_name else []
    sources += [
        f"{plan.experiment} (which shares {', '.join(plan.shared_models)})" for plan in earlier_plans if plan.experiment
    ]
    return (
        f"The same test rows were opened before, by {', '.join(sources)}. Those results may have influenced this plan, "
        "so its p-values are exploratory: confirm a claim on new test data."
    )


def _question(plan: Plan) -> str:
    names, metric = plan.names, metric_name(plan.analysis.primary_metric)
    if plan.parent is not None:
        changes = len(names) - 1
        subject = "the change" if changes == 1 else f"each of {changes} changes"
        return f"What does {subject} to {plan.parent.model} cost in {metric}?"
    if len(names) == 1:
        return f"What {metric} does {names[0]} reach on new data?"
    if plan.analysis.compare == "AllPairs":
        return f"Which of {', '.join(names)} has the better {metric}?"
    others = [name for name in names if name != plan.reference]
    listed = others[0] if len(others) == 1 else f"{', '.join(others[:-1])} or {others[-1]}"
    return f"Does {listed} differ from {plan.reference} in {metric}?"


def _answers(
    plan: Plan, models: tuple[ModelSummary, ...], comparisons: tuple[ComparisonSummary, ...]
) -> tuple[str, ...]:
    primary = tuple(row.sentence for row in comparisons if row.role == "primary")
    return primary or tuple(_answer_without_comparison(plan, model) for model in models)


def _answer_without_comparison(plan: Plan, model: ModelSummary) -> str:
    metric = model.metrics[plan.analysis.primary_metric]
    if metric.test is None and metric.undefined is not None:
        return f"{model.name} has no {metric_name(plan.analysis.primary_metric)}: {metric.undefined}."
    if metric.test is None:
        return f"{model.name} has no result: none of its runs finished with predictions."
    digits = decimals_for_spread(metric.population.se if metric.population else metric.test.sd or 0.0)
    text = (
        f"{model.name} reaches a test {metric_name(plan.analysis.primary_metric)} of "
        f"{format_mean_sd(metric.test, digits)} (mean ± sd over {metric.test.n} seeds)"
    )
    if metric.population is not None:
        bounds = metric.population.interval
        text += (
            f"; {format_confidence(bounds.confidence)} CI for new rows and new seeds {format_interval(bounds, digits)}"
        )
    return text + "."


def _split(plan: Plan) -> str:
    split = plan.dataset.split
    parts: list[str] = [split.strategy + (f" by {split.by}" if split.by else "")]
    if split.fractions:
        parts.append(" / ".join(split.fractions))
    if split.count is not None:
        parts.append(f"{split.count} rows of each user")
    if split.strategy == "Random":
        parts.append(f"seed {split.seed}")
    if split.column:
        parts.append(f"column {split.column}")
    return ", ".join(parts)
