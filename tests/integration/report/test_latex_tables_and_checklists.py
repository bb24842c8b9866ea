"""What authors and reviewers take from a report: schema, LaTeX tables, checklists, importance, the extra interval."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.inputs.report_inputs import read_report_inputs
from ctrlab_report.pages.latex_tables import escape_latex
from ctrlab_report.pages.rendering import render_report

Writer = Callable[..., Any]

SCHEMA = Path(__file__).parents[3] / "docs/reference/summary.schema.json"


def files_of(experiment: Any) -> dict[str, str]:
    inputs = read_report_inputs(experiment.folder, experiment.key)
    return {name: data.decode() for name, data in render_report(analyse_report(inputs), inputs).items()}


def test_the_summary_obeys_its_published_schema(experiment: Any) -> None:
    schema = json.loads(SCHEMA.read_text())
    summary = json.loads(files_of(experiment)["summary.json"])
    jsonschema.validate(summary, schema)
    summary["comparisons"][0]["verdict"] = "significant"
    with pytest.raises(jsonschema.ValidationError, match="'significant' is not one of"):
        jsonschema.validate(summary, schema)


def test_the_latex_tables_hold_the_numbers_of_the_page(experiment: Any) -> None:
    found = files_of(experiment)
    assert found["tables.tex"].count(r"\begin{tabular}") == found["tables.tex"].count(r"\end{tabular}") == 2
    assert found["tables.tex"].count("{") == found["tables.tex"].count("}")
    row = next(line for line in found["report.md"].splitlines() if line.startswith("| DIN − SIN"))
    difference = row.split("|")[2].strip().replace("−", "$-$")
    assert rf"DIN $-$ SIN & {difference} &" in found["tables.tex"]


def test_names_cannot_break_a_latex_table() -> None:
    assert escape_latex("a_b & 50 % \\x") == r"a\_b \& 50 \% \textbackslash{}x"


def test_both_checklists_are_filled_from_the_record_and_leave_the_rest_open(experiment: Any) -> None:
    found = files_of(experiment)
    for page in ("report.md", "report.html"):
        assert "NeurIPS checklist, pre-filled" in found[page]
        assert "REFORMS checklist, pre-filled" in found[page]
        assert "Errors are clustered by user_id." in found[page]
        assert "For the author to answer." in found[page]


def test_importance_needs_twenty_finished_trials(written: Writer) -> None:
    few = analyse_report(read_report_inputs((e := written(trials=12)).folder, e.key)).tuning[0]
    assert few.importance == {}
    assert few.importance_method is None


def test_importance_shares_add_up_and_repeat(written: Writer) -> None:
    experiment = written(trials=40)
    first, again = (analyse_report(read_report_inputs(experiment.folder, experiment.key)) for _ in range(2))
    shares = first.tuning[0].importance
    assert set(shares) == {"learning_rate", "embedding_dim"}
    assert sum(shares.values()) == pytest.approx(1)
    assert again.tuning[0].importance == shares
    assert "ped-anova" in first.methods


@pytest.mark.parametrize(("seeds", "shown"), [(19, False), (20, True)])
def test_the_bootstrap_column_appears_from_twenty_seeds_on(written: Writer, seeds: int, shown: bool) -> None:
    experiment = written(seeds=seeds, rows=300, metrics=("auc",))
    inputs = read_report_inputs(experiment.folder, experiment.key)
    summary = analyse_report(inputs)
    test = summary.models[0].metrics["auc"].test
    assert test is not None
    assert (test.bootstrap is not None) is shown
    page = render_report(summary, inputs)["report.html"].decode()
    assert ("BCa bootstrap, this test set" in page) is shown


def test_one_seed_gives_the_test_sample_error_and_says_that_seed_noise_is_unknown(
    written: Writer, simulated: Any
) -> None:
    models = (simulated("SIN", 1.0, missing=(1, 2, 3, 4)), simulated("DeepFM", 0.7, missing=(1, 2, 3, 4)))
    there = written(models=models, metrics=("auc", "logloss"))
    inputs = read_report_inputs(there.folder, there.key)
    summary = analyse_report(inputs)
    alone = summary.models[0].metrics["auc"]
    assert alone.population is None
    assert alone.single_run is not None
    assert alone.single_run.interval.low < alone.single_run.estimate < alone.single_run.interval.high
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
