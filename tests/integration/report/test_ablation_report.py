"""The report of an ablation: drops, verdicts, ranks, factorial effects, and links to and from the experiment."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey
from ctrlab_api.plan import ParentExperiment, Plan
from ctrlab_api.records import ReportSummary, RunRecord, StudyRecord
from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.figures import draw_figures
from ctrlab_report.formatting.number_formats import difference_decimals, format_difference
from ctrlab_report.inputs.report_inputs import ReportInputs, read_report_inputs
from ctrlab_report.pages.rendering import render_report
from ctrlab_report.publishing.report_files import publish_report
from ctrlab_report.publishing.report_making import make_report
from ctrlab_store import open_store

REMOVED: dict[str, tuple[str, ...]] = {"no-a": ("a",), "no-b": ("b",), "no-a-b": ("a", "b")}
OTHER = ExperimentKey(namespace="default", name="parts", uid="ffff")


def ablated(plan: Plan, key: ExperimentKey, **parent: Any) -> Plan:
    """The same plan as an ablation of the experiment `key`, whose variants differ in what they remove."""
    given = {"model": "full", "hyperparameters": "Inherit", "factorial": ("a", "b")} | parent
    variants = [
        variant.model_copy(update={"architecture": "sin", "remove": REMOVED.get(variant.name, ())})
        for variant in plan.variants
    ]
    named = ParentExperiment(experiment=key.prefix, plan_digest=plan.digest, search_token="sha256:1", **given)
    return plan.model_copy(update={"variants": tuple(variants), "parent": named})


@pytest.fixture
def wanted(written: Callable[..., Any], simulated: Any) -> Any:
    """Part a matters a lot, part b hardly; both missing is as bad as a missing."""
    strengths = {"full": 1.0, "no-a": 0.3, "no-b": 0.999, "no-a-b": 0.3}
    errors = {"full": 0.05, "no-a": 1.0, "no-b": 0.05, "no-a-b": 1.0}
    models = tuple(
        simulated(name, strength, own_error=errors[name], seed_error=0.05) for name, strength in strengths.items()
    )
    return written(models=models, rows=4000, margin="0.02", metrics=("auc", "logloss"))


@pytest.fixture
def inputs(wanted: Any) -> ReportInputs:
    found = read_report_inputs(wanted.folder, wanted.key)
    return replace(found, plan=ablated(found.plan, wanted.key))


def test_drops_are_turned_and_sorted_with_a_verdict_for_each_part(inputs: ReportInputs) -> None:
    summary = analyse_report(inputs)
    assert summary.ablation is not None
    rows = {row.variant: row for row in summary.ablation.rows}
    assert [row.variant for row in summary.ablation.rows][-1] == "no-b"
    difference = next(row for row in summary.comparisons if row.a == "no-a" and row.metric == "auc")
    assert difference.difference is not None
    assert rows["no-a"].drop == -difference.difference
    assert difference.population is not None
    assert rows["no-a"].interval is not None
    assert rows["no-a"].interval.low == -difference.population.interval.high
    assert rows["no-a"].verdict == "worse"
    assert rows["no-a"].reading == "The full model is better: the change makes AUC worse."
    assert rows["no-b"].verdict == "equivalent"
    assert rows["no-b"].reading == "Equivalent at this margin: the change alters AUC by less than 0.02."
    assert rows["no-a-b"].change == "without a, without b"
    assert summary.question == "What does each of 3 changes to full cost in AUC?"


def test_a_loss_has_its_drop_turned_the_other_way(inputs: ReportInputs) -> None:
    analysis = inputs.plan.analysis.model_copy(update={"primary_metric": "logloss"})
    summary = analyse_report(replace(inputs, plan=inputs.plan.model_copy(update={"analysis": analysis})))
    assert summary.ablation is not None
    rows = {row.variant: row for row in summary.ablation.rows}
    assert rows["no-a"].drop is not None
    assert rows["no-a"].drop > 0
    assert rows["no-a"].verdict == "worse"


def test_variants_are_ranked_only_where_intervals_do_not_overlap(inputs: ReportInputs) -> None:
    summary = analyse_report(inputs)
    assert summary.ablation is not None
    ranks = {row.variant: (row.best_rank, row.worst_rank) for row in summary.ablation.rows}
    assert ranks == {"no-a": (1, 2), "no-a-b": (1, 2), "no-b": (3, 3)}
    assert summary.ablation.ranking_statement.startswith("Ranks are ranges")


def test_factorial_effects_are_contrasts_of_the_means(inputs: ReportInputs) -> None:
    summary = analyse_report(inputs)
    assert summary.ablation is not None
    mean = {
        model.name: np.mean([value for value in model.metrics["auc"].by_seed.values() if value is not None])
        for model in summary.models
    }
    effects = {row.parts: row.effect for row in summary.ablation.effects}
    assert list(effects) == [("a",), ("b",), ("a", "b")]
    expected = {
        ("a",): (mean["full"] - mean["no-a"] + mean["no-b"] - mean["no-a-b"]) / 2,
        ("b",): (mean["full"] - mean["no-b"] + mean["no-a"] - mean["no-a-b"]) / 2,
        ("a", "b"): (mean["full"] - mean["no-a"] - mean["no-b"] + mean["no-a-b"]) / 2,
    }
    for parts, effect in effects.items():
        assert effect is not None
        assert effect.estimate == pytest.approx(expected[parts], abs=1e-12)
        assert effect.p_adjusted is not None
    assert effects["a",] is not None
    assert effects["a",].interval.low > 0


def test_of_two_models_the_main_effect_is_the_two_source_comparison(
    written: Callable[..., Any], simulated: Any
) -> None:
    """With one part there is one contrast, full minus removed: estimate and standard error are the comparison's."""
    there = written(models=(simulated("full", 1.0), simulated("no-a", 0.8)), rows=2000, metrics=("auc",))
    found = read_report_inputs(there.folder, there.key)
    summary = analyse_report(replace(found, plan=ablated(found.plan, there.key, factorial=("a",))))
    assert summary.ablation is not None
    [effect] = summary.ablation.effects
    compared = next(row for row in summary.comparisons if row.role == "primary").population
    assert effect.effect is not None
    assert compared is not None
    assert effect.effect.estimate == pytest.approx(-compared.estimate)
    assert effect.effect.se == pytest.approx(compared.se)
    assert effect.effect.p == pytest.approx(compared.p)


def test_inherited_values_are_warned_of_and_retuned_budgets_stated(inputs: ReportInputs, wanted: Any) -> None:
    inherited = analyse_report(inputs)
    assert inherited.ablation is not None
    assert "tuned for full and reused for every variant" in inherited.ablation.tuning_statement
    plan = ablated(read_report_inputs(wanted.folder, wanted.key).plan, wanted.key, hyperparameters="Retune")
    retuned = analyse_report(replace(inputs, plan=plan))
    assert retuned.ablation is not None
    said = "Every variant was tuned again with the full model's budget of 12 trials."
    assert retuned.ablation.tuning_statement == said
    fewer = inputs.studies["no-a"].model_copy(update={"budget": 4})
    unequal = analyse_report(replace(inputs, plan=plan, studies=inputs.studies | {"no-a": fewer}))
    assert unequal.ablation is not None
    assert "(full 12, no-a 4, no-b 12, no-a-b 12)" in unequal.ablation.tuning_statement


def test_pages_show_the_ablation(inputs: ReportInputs) -> None:
    files = render_report(analyse_report(inputs), inputs)
    page, text = files["report.html"].decode(), files["report.md"].decode()
    assert 'id="ablation">What each change costs full</h2>' in page
    assert "Equivalent at this margin" in page
    assert "a × b" in page
    assert '<figure id="figure-drops">' in page
    assert "](figures/drops.svg)" in text
    assert "## What each change costs full" in text
    assert f"../../../../../{inputs.key.prefix}/report/index.html" in page


@pytest.mark.parametrize(
    ("metric", "axis"),
    [("auc", "AUC lost by the change (full − variant)"), ("logloss", "LogLoss added by the change (variant − full)")],
)
def test_the_figure_shows_what_a_change_costs_right_of_zero(inputs: ReportInputs, metric: str, axis: str) -> None:
    analysis = inputs.plan.analysis.model_copy(update={"primary_metric": metric})
    summary = analyse_report(replace(inputs, plan=inputs.plan.model_copy(update={"analysis": analysis})))
    figures = draw_figures(summary, inputs)
    assert "forest" not in figures, "differences and drops have opposite signs; one page shows one of them"
    drops = figures["drops"]
    assert f">{axis}</text>" in drops.body
    assert ">full is better ▸</text>" in drops.body
    assert summary.ablation is not None
    for row in summary.ablation.rows:
        comparison = next(found for found in summary.comparisons if found.a == row.variant and found.role == "primary")
        assert f"{row.variant}: {format_difference(row.drop, difference_decimals(comparison))}" in drops.alt
    zero, *_ = re.findall(r'class="z" d="M([\d.]+) ', drops.body)
    marks = re.findall(r'class="f0" d="M([\d.]+) [^"]*"><title>([\w-]+):', drops.body)
    placed = {name: float(x) > float(zero) for x, name in marks}
    assert placed["no-a"]
    assert placed["no-a-b"]
    bars = re.findall(r'<rect class="f0" x="([\d.]+)"', drops.body)
    assert [float(x) > float(zero) for x in bars[:2]] == [True, True], "the intervals of the large drops leave zero"
    assert drops.body.count('class="band"') == 1


def test_a_variant_without_results_ranks_nowhere_and_leaves_no_effect(
    written: Callable[..., Any], simulated: Any
) -> None:
    models = (simulated("full", 1.0), simulated("no-a", 0.8, missing=(0, 1, 2, 3, 4)), simulated("no-b", 0.9))
    there = written(models=(*models, simulated("no-a-b", 0.5)), rows=1000, metrics=("auc",))
    found = read_report_inputs(there.folder, there.key)
    summary = analyse_report(replace(found, plan=ablated(found.plan, there.key)))
    assert summary.ablation is not None
    lost = summary.ablation.rows[-1]
    assert (lost.variant, lost.drop, lost.best_rank, lost.worst_rank) == ("no-a", None, 1, 3)
    assert lost.reading == "No conclusion: there are no results to compare."
    assert all(row.effect is None and row.seeds == 0 for row in summary.ablation.effects)


def test_the_experiments_report_is_made_again_with_a_link(wanted: Any) -> None:
    store = open_store(wanted.uri)
    copy_as_ablation(wanted)
    parent = read_report_inputs(wanted.folder, wanted.key)
    before = publish_report(wanted.folder, analyse_report(parent), render_report(analyse_report(parent), parent))
    assert "Ablations of this experiment" not in wanted.folder.get(before + "report.html").decode()
    made = make_report(store, OTHER)
    after = wanted.folder.get(ObjectKey.LATEST_REPORT).decode()
    assert after != before
    page = wanted.folder.get(after + "report.html").decode()
    assert '<a href="../../../../../default/parts/ffff/report/index.html">default/parts/ffff</a>: 3 variants' in page
    own = store.below(OTHER.prefix)
    assert own.get(ObjectKey.LATEST_PAGE).decode().count(made.removeprefix("report/") + "report.html") == 2
    assert ReportSummary.model_validate_json(own.get(made + "summary.json")).ablation is not None
    assert make_report(store, OTHER) == made, "again changes nothing"
    assert wanted.folder.get(ObjectKey.LATEST_REPORT).decode() == after


def test_an_experiment_that_is_gone_does_not_break_its_ablations_report(wanted: Any) -> None:
    copy_as_ablation(wanted)
    for path in sorted(wanted.path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert make_report(open_store(wanted.uri), OTHER).startswith("report/")


def copy_as_ablation(there: Any) -> None:
    """The same runs under another key, with a plan that names the first as parent."""
    own = open_store(there.uri).below(OTHER.prefix)
    plan = ablated(there.plan, there.key)
    own.put(ObjectKey.PLAN, plan.to_json().encode())
    own.put(ObjectKey.PREPARED, there.folder.get(ObjectKey.PREPARED))
    searches = {}
    for name in plan.names:
        study = StudyRecord.model_validate_json(there.folder.get(ObjectKey.study(name)))
        study = study.model_copy(update={"plan_digest": plan.digest})
        own.put(ObjectKey.study(name), study.to_json().encode())
        searches[name] = study.digest
    for key in there.folder.list("runs/"):
        raw = there.folder.get(key)
        if key.endswith("record.json"):
            record = RunRecord.model_validate_json(raw)
            known = {"plan_digest": plan.digest, "search_digest": searches[record.variant]}
            raw = record.model_copy(update=known).to_json().encode()
        own.put(key, raw)
