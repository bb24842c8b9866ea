"""The report of an ablation: drops, verdicts, ranks, factorial effects, and links to and from the experiment."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders.finished_experiment import ExperimentWriter, WrittenExperiment
from builders.simulated_experiment import SimulatedModel

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

REMOVED_PARTS: dict[str, tuple[str, ...]] = {"no-a": ("a",), "no-b": ("b",), "no-a-b": ("a", "b")}
ABLATION_KEY = ExperimentKey.parse("default/parts/ffff")


def as_ablation(plan: Plan, key: ExperimentKey, **parent: Any) -> Plan:
    """Return the plan as an ablation of the experiment `key`, with variants that remove parts."""
    fields = {"model": "full", "hyperparameters": "Inherit", "factorial": ("a", "b")} | parent
    variants = [
        variant.model_copy(update={"architecture": "sin", "remove": REMOVED_PARTS.get(variant.name, ())})
        for variant in plan.variants
    ]
    parent_experiment = ParentExperiment(
        experiment=key.prefix, plan_digest=plan.digest, search_token="sha256:1", **fields
    )
    return plan.model_copy(update={"variants": tuple(variants), "parent": parent_experiment})


@pytest.fixture
def experiment(written: ExperimentWriter, simulated: type[SimulatedModel]) -> WrittenExperiment:
    """Write an experiment in which part a matters and part b hardly; without both is as bad as without a."""
    strengths = {"full": 1.0, "no-a": 0.3, "no-b": 0.999, "no-a-b": 0.3}
    errors = {"full": 0.05, "no-a": 1.0, "no-b": 0.05, "no-a-b": 1.0}
    models = tuple(
        simulated(name, strength, model_error=errors[name], seed_error=0.05) for name, strength in strengths.items()
    )
    return written(models=models, rows=4000, margin="0.02", metrics=("auc", "logloss"))


@pytest.fixture
def inputs(experiment: WrittenExperiment) -> ReportInputs:
    """Return the inputs of a report on the experiment as an ablation."""
    inputs = read_report_inputs(experiment.folder, experiment.key)
    return replace(inputs, plan=as_ablation(inputs.plan, experiment.key))


def test_drops_are_sorted_and_have_a_verdict_for_each_variant(inputs: ReportInputs) -> None:
    summary = analyse_report(inputs)
    assert summary.ablation is not None
    rows = {row.variant: row for row in summary.ablation.rows}
    assert [row.variant for row in summary.ablation.rows][-1] == "no-b"
    comparison = next(row for row in summary.comparisons if row.a == "no-a" and row.metric == "auc")
    assert comparison.difference is not None
    assert rows["no-a"].drop == -comparison.difference
    assert comparison.population is not None
    assert rows["no-a"].interval is not None
    assert rows["no-a"].interval.low == -comparison.population.interval.high
    assert rows["no-a"].verdict == "worse"
    assert rows["no-a"].reading == "The full model is better: the change makes AUC worse."
    assert rows["no-b"].verdict == "equivalent"
    assert rows["no-b"].reading == "Equivalent at this margin: the change alters AUC by less than 0.02."
    assert rows["no-a-b"].change == "without a, without b"
    assert summary.question == "What does each of 3 changes to full cost in AUC?"


def test_the_drop_of_a_minimized_metric_is_an_increase(inputs: ReportInputs) -> None:
    analysis = inputs.plan.analysis.model_copy(update={"primary_metric": "logloss"})
    summary = analyse_report(replace(inputs, plan=inputs.plan.model_copy(update={"analysis": analysis})))
    assert summary.ablation is not None
    rows = {row.variant: row for row in summary.ablation.rows}
    assert rows["no-a"].drop is not None
    assert rows["no-a"].drop > 0
    assert rows["no-a"].verdict == "worse"


def test_variants_share_ranks_if_their_intervals_overlap(inputs: ReportInputs) -> None:
    summary = analyse_report(inputs)
    assert summary.ablation is not None
    ranks = {row.variant: (row.best_rank, row.worst_rank) for row in summary.ablation.rows}
    assert ranks == {"no-a": (1, 2), "no-a-b": (1, 2), "no-b": (3, 3)}
    assert summary.ablation.ranking_statement.startswith("Ranks are ranges")


def test_factorial_effects_are_contrasts_of_means(inputs: ReportInputs) -> None:
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


def test_the_main_effect_of_one_part_is_the_comparison_of_two_models(
    written: ExperimentWriter, simulated: type[SimulatedModel]
) -> None:
    """With one part, the only contrast is full minus removed, so estimate and standard error equal the comparison's."""
    written_experiment = written(models=(simulated("full", 1.0), simulated("no-a", 0.8)), rows=2000, metrics=("auc",))
    inputs = read_report_inputs(written_experiment.folder, written_experiment.key)
    summary = analyse_report(replace(inputs, plan=as_ablation(inputs.plan, written_experiment.key, factorial=("a",))))
    assert summary.ablation is not None
    [effect] = summary.ablation.effects
    population = next(row for row in summary.comparisons if row.role == "primary").population
    assert effect.effect is not None
    assert population is not None
    assert effect.effect.estimate == pytest.approx(-population.estimate)
    assert effect.effect.se == pytest.approx(population.se)
    assert effect.effect.p == pytest.approx(population.p)


def test_the_report_states_how_variants_were_tuned(inputs: ReportInputs, experiment: WrittenExperiment) -> None:
    inherited = analyse_report(inputs)
    assert inherited.ablation is not None
    assert "tuned for full and reused for every variant" in inherited.ablation.tuning_statement
    plan = as_ablation(
        read_report_inputs(experiment.folder, experiment.key).plan, experiment.key, hyperparameters="Retune"
    )
    retuned = analyse_report(replace(inputs, plan=plan))
    assert retuned.ablation is not None
    statement = "Every variant was tuned again with the full model's budget of 12 trials."
    assert retuned.ablation.tuning_statement == statement
    fewer = inputs.studies["no-a"].model_copy(update={"budget": 4})
    unequal = analyse_report(replace(inputs, plan=plan, studies=inputs.studies | {"no-a": fewer}))
    assert unequal.ablation is not None
    assert "(full 12, no-a 4, no-b 12, no-a-b 12)" in unequal.ablation.tuning_statement


def test_both_pages_contain_the_ablation(inputs: ReportInputs) -> None:
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
def test_the_figure_shows_drops_right_of_zero(inputs: ReportInputs, metric: str, axis: str) -> None:
    analysis = inputs.plan.analysis.model_copy(update={"primary_metric": metric})
    summary = analyse_report(replace(inputs, plan=inputs.plan.model_copy(update={"analysis": analysis})))
    figures = draw_figures(summary, inputs)
    assert "forest" not in figures, "differences and drops have opposite signs; one page shows one of them"
    drops = figures["drops"]
    assert f">{axis}</text>" in drops.body
    assert ">full is better ▸</text>" in drops.body
    assert summary.ablation is not None
    for row in summary.ablation.rows:
        comparison = next(one for one in summary.comparisons if one.a == row.variant and one.role == "primary")
        assert f"{row.variant}: {format_difference(row.drop, difference_decimals(comparison))}" in drops.alt
    zero, *_ = re.findall(r'class="z" d="M([\d.]+) ', drops.body)
    marks = re.findall(r'class="f0" d="M([\d.]+) [^"]*"><title>([\w-]+):', drops.body)
    right_of_zero = {name: float(x) > float(zero) for x, name in marks}
    assert right_of_zero["no-a"]
    assert right_of_zero["no-a-b"]
    bars = re.findall(r'<rect class="f0" x="([\d.]+)"', drops.body)
    assert [float(x) > float(zero) for x in bars[:2]] == [True, True], "the intervals of the large drops leave zero"
    assert drops.body.count('class="band"') == 1


def test_a_variant_without_results_has_no_rank_and_no_effects(
    written: ExperimentWriter, simulated: type[SimulatedModel]
) -> None:
    models = (simulated("full", 1.0), simulated("no-a", 0.8, missing=(0, 1, 2, 3, 4)), simulated("no-b", 0.9))
    written_experiment = written(models=(*models, simulated("no-a-b", 0.5)), rows=1000, metrics=("auc",))
    inputs = read_report_inputs(written_experiment.folder, written_experiment.key)
    summary = analyse_report(replace(inputs, plan=as_ablation(inputs.plan, written_experiment.key)))
    assert summary.ablation is not None
    last = summary.ablation.rows[-1]
    assert (last.variant, last.drop, last.best_rank, last.worst_rank) == ("no-a", None, 1, 3)
    assert last.reading == "No conclusion: there are no results to compare."
    assert all(row.effect is None and row.seeds == 0 for row in summary.ablation.effects)


def test_the_report_of_the_experiment_gets_a_link_to_its_ablation(experiment: WrittenExperiment) -> None:
    store = open_store(experiment.uri)
    copy_as_ablation(experiment)
    parent = read_report_inputs(experiment.folder, experiment.key)
    before = publish_report(experiment.folder, analyse_report(parent), render_report(analyse_report(parent), parent))
    assert "Ablations of this experiment" not in experiment.folder.get(before + "report.html").decode()
    prefix = make_report(store, ABLATION_KEY)
    after = experiment.folder.get(ObjectKey.LATEST_REPORT).decode()
    assert after != before
    page = experiment.folder.get(after + "report.html").decode()
    assert '<a href="../../../../../default/parts/ffff/report/index.html">default/parts/ffff</a>: 3 variants' in page
    ablation = store.below(ABLATION_KEY.prefix)
    assert ablation.get(ObjectKey.LATEST_PAGE).decode().count(prefix.removeprefix("report/") + "report.html") == 2
    assert ReportSummary.model_validate_json(ablation.get(prefix + "summary.json")).ablation is not None
    assert make_report(store, ABLATION_KEY) == prefix, "a repetition changes nothing"
    assert experiment.folder.get(ObjectKey.LATEST_REPORT).decode() == after


def test_the_report_of_an_ablation_does_not_need_the_folder_of_its_experiment(experiment: WrittenExperiment) -> None:
    copy_as_ablation(experiment)
    for path in sorted(experiment.path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert make_report(open_store(experiment.uri), ABLATION_KEY).startswith("report/")


def copy_as_ablation(experiment: WrittenExperiment) -> None:
    """Copy the experiment to another key, with a plan that names the original as parent."""
    folder = open_store(experiment.uri).below(ABLATION_KEY.prefix)
    plan = as_ablation(experiment.plan, experiment.key)
    folder.put(ObjectKey.PLAN, plan.to_json().encode())
    folder.put(ObjectKey.PREPARED, experiment.folder.get(ObjectKey.PREPARED))
    study_digests = {}
    for name in plan.names:
        study = StudyRecord.model_validate_json(experiment.folder.get(ObjectKey.study(name)))
        study = study.model_copy(update={"plan_digest": plan.digest})
        folder.put(ObjectKey.study(name), study.to_json().encode())
        study_digests[name] = study.digest
    for key in experiment.folder.list("runs/"):
        raw = experiment.folder.get(key)
        if key.endswith("record.json"):
            record = RunRecord.model_validate_json(raw)
            digests = {"plan_digest": plan.digest, "search_digest": study_digests[record.variant]}
            raw = record.model_copy(update=digests).to_json().encode()
        folder.put(key, raw)
