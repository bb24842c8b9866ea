"""Comparison of experiments: paired on one data set, by rank over five or more, without a test below that."""

import json
from pathlib import Path

import numpy as np
import pytest
from builders.finished_experiment import ExperimentWriter, WrittenExperiment
from builders.simulated_experiment import SimulatedModel
from scipy import stats

from ctrlab_api.errors import InvalidData
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ExitCode
from ctrlab_report.cli import main
from ctrlab_report.compare.comparison_page import comparison_files
from ctrlab_report.compare.experiment_comparison import compare_experiments


def key(name: str) -> ExperimentKey:
    return ExperimentKey.parse(f"default/{name}/0a1b2c")


@pytest.fixture
def two_models(simulated: type[SimulatedModel]) -> tuple[SimulatedModel, SimulatedModel]:
    return (simulated("SIN", 1.0), simulated("DeepFM", 0.7))


def test_shared_seeds_on_one_data_set_are_paired(written: ExperimentWriter, simulated: type[SimulatedModel]) -> None:
    first = written(models=(simulated("SIN", 1.0),), key=key("june"))
    second = written(models=(simulated("DeepFM", 0.7),), key=key("july"))
    comparison = compare_experiments([first.folder_uri, second.folder_uri], None, 0.005, 0.95)
    (pair,) = comparison.pairs
    assert (pair.a, pair.b) == ("june/SIN", "july/DeepFM")
    assert pair.paired_seeds == (2024, 2025, 2026, 2027, 2028)
    assert pair.method == "or-hillis-shared-seeds"
    assert comparison.status == "exploratory"
    pages = {name: content.decode() for name, content in comparison_files(comparison).items()}
    for name in ("comparison.md", "comparison.html"):
        assert pair.sentence.replace("'", "&#39;") in pages[name]
    assert "<script" not in pages["comparison.html"]
    assert "http" not in pages["comparison.html"].replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert "june/SIN − july/DeepFM:" in pages["forest.svg"]
    assert "Obuchowski and Rockette 1995; Hillis 2007" in pages["comparison.html"], "the method is traceable"


def test_different_seeds_are_treated_as_independent(written: ExperimentWriter, simulated: type[SimulatedModel]) -> None:
    first = written(models=(simulated("SIN", 1.0),), key=key("june"))
    second = written(models=(simulated("DeepFM", 0.7),), key=key("july"), base=3000)
    (pair,) = compare_experiments([first.folder_uri, second.folder_uri], None, None, 0.95).pairs
    assert pair.paired_seeds == ()
    assert pair.method == "or-unshared-seeds"
    assert pair.low is not None


def test_runs_of_different_execution_modes_are_not_compared(
    written: ExperimentWriter, simulated: type[SimulatedModel]
) -> None:
    first = written(models=(simulated("SIN", 1.0),), key=key("june"))
    second = written(models=(simulated("DeepFM", 0.7),), key=key("july"), seeds_per_pod=5)
    message = r"june/SIN plain \(seeds 2024, .*july/DeepFM batched \(seeds 2024, .*with the evaluation.seedsPerPod of"
    with pytest.raises(InvalidData, match=message):
        compare_experiments([first.folder_uri, second.folder_uri], None, None, 0.95)
    third = written(models=(simulated("DIN", 0.9),), key=key("august"), seeds_per_pod=2)
    assert compare_experiments([second.folder_uri, third.folder_uri], None, None, 0.95).pairs[0].low is not None


def test_four_data_sets_are_listed_without_a_test(
    written: ExperimentWriter, two_models: tuple[SimulatedModel, SimulatedModel]
) -> None:
    uris = [written(models=two_models, key=key(f"data-{d}"), data=d, rows=300).folder_uri for d in "1234"]
    comparison = compare_experiments(uris, None, None, 0.95)
    assert comparison.across is not None
    assert comparison.across.friedman_p is None
    assert comparison.across.refused is not None
    text = comparison_files(comparison)["comparison.md"].decode()
    assert "No test over data sets: 4 data sets do not support a claim" in text
    assert "critical-difference.svg" not in comparison_files(comparison)
    assert (
        "No test over data sets: 4 data sets do not support a claim"
        in comparison_files(comparison)["comparison.html"].decode()
    )


def test_five_data_sets_are_ranked(
    written: ExperimentWriter, two_models: tuple[SimulatedModel, SimulatedModel], simulated: type[SimulatedModel]
) -> None:
    three = (*two_models, simulated("LR", 0.5))
    uris = [written(models=three, key=key(f"data-{d}"), data=d, rows=400 + 50 * int(d)).folder_uri for d in "12345"]
    comparison = compare_experiments(uris, None, 0.001, 0.95).across
    assert comparison is not None
    table = np.array(list(comparison.values.values()))
    ranks = stats.rankdata(-table, axis=1)
    assert comparison.mean_ranks == pytest.approx(ranks.mean(axis=0))
    assert comparison.friedman_chi2 == pytest.approx(stats.friedmanchisquare(*table.T).statistic)
    assert comparison.critical_difference == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 5)), abs=2e-3)
    assert sum(comparison.posterior["SIN - LR"]) == pytest.approx(1.0)


def test_the_diagram_names_every_model_and_the_files_are_written(
    written: ExperimentWriter,
    two_models: tuple[SimulatedModel, SimulatedModel],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uris = [written(models=two_models, key=key(f"data-{d}"), data=d, rows=300).folder_uri for d in "12345"]
    assert main(["compare", *uris, "--into", str(tmp_path / "out")]) == ExitCode.SUCCESS
    svg = (tmp_path / "out/critical-difference.svg").read_text()
    assert "SIN 1.00" in svg
    assert "DeepFM 2.00" in svg
    assert json.loads((tmp_path / "out/comparison.json").read_text())["status"] == "exploratory"
    assert "Friedman" in capsys.readouterr().out
    page = (tmp_path / "out/comparison.html").read_text()
    assert "Mean ranks over 5 data sets: SIN 1.00, DeepFM 2.00 (1 is best; Friedman p &lt; 0.001)" in page
    assert '<figure id="figure-critical-difference">' in page
    for method in ("friedman-iman-davenport", "nemenyi-critical-difference", "bayesian-signed-rank"):
        assert f"<code>{method}</code>" in page


def test_splits_of_one_source_do_not_count_as_data_sets(
    written: ExperimentWriter, two_models: tuple[SimulatedModel, SimulatedModel], simulated: type[SimulatedModel]
) -> None:
    three = (*two_models, simulated("LR", 0.5))
    experiments = [
        written(models=three, key=key(f"split-{d}"), data=d, rows=400 + 50 * int(d), split_seed=int(d)) for d in "12345"
    ]
    comparison = compare_experiments([one.folder_uri for one in experiments], None, None, 0.95)
    assert comparison.across is None
    assert comparison.splits is not None
    (first, *_) = comparison.splits.pairs
    differences = np.array([values[0] - values[1] for values in comparison.splits.values.values()])
    scale = np.sqrt(differences.var(ddof=1) * (1 / 5 + comparison.splits.test_to_train))
    assert first.difference == pytest.approx(differences.mean())
    assert first.se == pytest.approx(scale)
    assert first.p == pytest.approx(2 * stats.t.sf(abs(differences.mean() / scale), 4))
    assert first.p_adjusted is not None
    pages = comparison_files(comparison)
    assert set(pages) == {"comparison.json", "comparison.md", "comparison.html"}
    for name in ("comparison.md", "comparison.html"):
        assert first.sentence.replace("'", "&#39;" if name.endswith("html") else "'") in pages[name].decode()
    assert "<code>corrected-resampled-t</code>" in pages["comparison.html"].decode()
    other = written(models=three, key=key("other"), data="9", rows=400)
    with pytest.raises(InvalidData, match="split-1 and split-2 are random splits of one source"):
        compare_experiments([experiments[0].folder_uri, experiments[1].folder_uri, other.folder_uri], None, None, 0.95)


def test_mixed_data_sets_are_rejected(
    written: ExperimentWriter, two_models: tuple[SimulatedModel, SimulatedModel]
) -> None:
    uris = [written(models=two_models, key=key(f"e{n}"), data=d, rows=300).folder_uri for n, d in enumerate("112")]
    with pytest.raises(InvalidData, match="e0 and e1 share the data set"):
        compare_experiments(uris, None, None, 0.95)


def test_one_experiment_cannot_be_compared(experiment: WrittenExperiment) -> None:
    with pytest.raises(InvalidData, match="two or more different ones"):
        compare_experiments([experiment.folder_uri], None, None, 0.95)
