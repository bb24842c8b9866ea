"""Parts of a report for authors and reviewers: schema, LaTeX tables, checklists, importance, bootstrap intervals."""

import json
from pathlib import Path

import jsonschema
import pytest
from builders.finished_experiment import ExperimentWriter, WrittenExperiment
from builders.simulated_experiment import SimulatedModel

from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.inputs.report_inputs import read_report_inputs
from ctrlab_report.pages.latex_tables import escape_latex
from ctrlab_report.pages.rendering import render_report

SCHEMA = Path(__file__).parents[3] / "docs/reference/summary.schema.json"


def report_texts(experiment: WrittenExperiment) -> dict[str, str]:
    """Return the files of the report as text."""
    inputs = read_report_inputs(experiment.folder, experiment.key)
    return {name: data.decode() for name, data in render_report(analyse_report(inputs), inputs).items()}


def test_the_summary_conforms_to_its_published_schema(experiment: WrittenExperiment) -> None:
    schema = json.loads(SCHEMA.read_text())
    summary = json.loads(report_texts(experiment)["summary.json"])
    jsonschema.validate(summary, schema)
    summary["comparisons"][0]["verdict"] = "significant"
    with pytest.raises(jsonschema.ValidationError, match="'significant' is not one of"):
        jsonschema.validate(summary, schema)


def test_the_latex_tables_have_the_numbers_of_the_page(experiment: WrittenExperiment) -> None:
    files = report_texts(experiment)
    assert files["tables.tex"].count(r"\begin{tabular}") == files["tables.tex"].count(r"\end{tabular}") == 2
    assert files["tables.tex"].count("{") == files["tables.tex"].count("}")
    row = next(line for line in files["report.md"].splitlines() if line.startswith("| DIN − SIN"))
    difference = row.split("|")[2].strip().replace("−", "$-$")
    assert rf"DIN $-$ SIN & {difference} &" in files["tables.tex"]


def test_latex_special_characters_are_escaped() -> None:
    assert escape_latex("a_b & 50 % \\x") == r"a\_b \& 50 \% \textbackslash{}x"


def test_both_checklists_are_pre_filled_and_leave_the_rest_to_the_author(experiment: WrittenExperiment) -> None:
    files = report_texts(experiment)
    for page in ("report.md", "report.html"):
        assert "NeurIPS checklist, pre-filled" in files[page]
        assert "REFORMS checklist, pre-filled" in files[page]
        assert "Errors are clustered by user_id." in files[page]
        assert "For the author to answer." in files[page]


def test_importance_needs_twenty_finished_trials(written: ExperimentWriter) -> None:
    few = analyse_report(read_report_inputs((short := written(trials=12)).folder, short.key)).tuning[0]
    assert few.importance == {}
    assert few.importance_method is None


def test_importance_shares_sum_to_one_and_are_reproducible(written: ExperimentWriter) -> None:
    experiment = written(trials=40)
    first, second = (analyse_report(read_report_inputs(experiment.folder, experiment.key)) for _ in range(2))
    shares = first.tuning[0].importance
    assert set(shares) == {"learning_rate", "embedding_dim"}
    assert sum(shares.values()) == pytest.approx(1)
    assert second.tuning[0].importance == shares
    assert "ped-anova" in first.methods


@pytest.mark.parametrize(("seeds", "shown"), [(19, False), (20, True)])
def test_the_bootstrap_column_appears_from_twenty_seeds_on(written: ExperimentWriter, seeds: int, shown: bool) -> None:
    experiment = written(seeds=seeds, rows=300, metrics=("auc",))
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    test = summary.models[0].metrics["auc"].test
    assert test is not None
    assert (test.bootstrap is not None) is shown
    page = render_report(summary, inputs)["report.html"].decode()
    assert ("BCa bootstrap, this test set" in page) is shown


def test_one_seed_gives_the_sampling_error_of_the_test_rows_only(
    written: ExperimentWriter, simulated: type[SimulatedModel]
) -> None:
    models = (simulated("SIN", 1.0, missing=(1, 2, 3, 4)), simulated("DeepFM", 0.7, missing=(1, 2, 3, 4)))
    experiment = written(models=models, metrics=("auc", "logloss"))
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    metric = summary.models[0].metrics["auc"]
    assert metric.population is None
    assert metric.single_run is not None
    assert metric.single_run.interval.low < metric.single_run.estimate < metric.single_run.interval.high
    pair = summary.comparisons[0]
    assert pair.verdict == "degenerate"
    assert pair.single_run is not None
    assert pair.single_run.estimate == pytest.approx(pair.difference)
    assert pair.single_run.p is not None
    assert pair.sentence.startswith("DeepFM and SIN share only one seed, so the spread between seeds is unknown.")
    assert "These two trained networks differ by" in pair.sentence
    assert {"test-sample-only-one-run", "test-sample-only-two-runs"} <= summary.methods.keys()
    pages = render_report(summary, inputs)
    assert pages["report.html"].decode().count("(one run)") >= 3
    assert pages["report.md"].decode().count("(one run)") >= 3
