"""`decide-seeds` decides the number of seeds from the validation values; `detectable` states what seeds can detect."""

import json

import numpy as np
import pytest
from builders import make_seed_decision
from builders.finished_experiment import ExperimentWriter, WrittenExperiment
from scipy import stats

from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_report.analysis.report_analysis import analyse_report
from ctrlab_report.cli import main
from ctrlab_report.inputs.report_inputs import read_report_inputs
from ctrlab_report.sample_size.seed_extension import decide_seed_count, read_pilot


def test_the_number_of_seeds_is_steins_for_the_pair_with_the_largest_spread(written: ExperimentWriter) -> None:
    decision = decide_seed_count(*read_pilot(written(half_width="0.002").folder))
    widest = max(decision.pilot_sd.values())
    expected = -(-((stats.t.ppf(0.975, 4) * widest / 0.002) ** 2) // 1)
    assert decision.count == max(5, int(expected)) > 5
    assert decision.pilot == 5


def test_the_number_of_seeds_is_limited_by_the_maximum(written: ExperimentWriter) -> None:
    decision = decide_seed_count(*read_pilot(written(half_width="0.0001", max_seeds=9).folder))
    assert decision.count == 9
    assert "seeds.max allows 9" in decision.reason


def test_a_precise_pilot_is_not_extended(written: ExperimentWriter) -> None:
    decision = decide_seed_count(*read_pilot(written(half_width="0.4", max_seeds=20).folder))
    assert decision.count == 5
    assert "precise enough" in decision.reason


def test_the_decision_does_not_depend_on_test_metrics(written: ExperimentWriter) -> None:
    plan, pilot = read_pilot(written(half_width="0.002").folder)
    without_test = {
        name: {seed: record.model_copy(update={"metrics_test": {}}) for seed, record in runs.items()}
        for name, runs in pilot.items()
    }
    assert decide_seed_count(plan, without_test) == decide_seed_count(plan, pilot)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "runs/DIN/2026/0/record.json: the whole document"),
        (None, "runs/DIN/2026/0/record.json, seed: is 2025, but its folder says 2026"),
    ],
    ids=["truncated", "another seed"],
)
def test_a_damaged_record_is_rejected_by_the_decision(
    written: ExperimentWriter, capsys: pytest.CaptureFixture[str], content: str | None, message: str
) -> None:
    experiment = written(half_width="0.002")
    target = experiment.path / "runs/DIN/2026/0/record.json"
    target.write_text(content or (experiment.path / "runs/DIN/2025/0/record.json").read_text())
    code = main(["decide-seeds", "--store", experiment.uri, "--experiment", experiment.argument])
    assert code == ExitCode.BAD_SPEC_OR_DATA
    assert message in capsys.readouterr().err
    assert not experiment.folder.exists(ObjectKey.SEED_DECISION)


def test_a_plan_without_precision_has_nothing_to_decide(
    experiment: WrittenExperiment, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["decide-seeds", "--store", experiment.uri, "--experiment", experiment.argument])
    assert code == ExitCode.BAD_SPEC_OR_DATA
    assert "there is nothing to decide" in capsys.readouterr().err
    assert not experiment.folder.exists(ObjectKey.SEED_DECISION)


def test_a_pilot_that_was_not_extended_changes_nothing(written: ExperimentWriter) -> None:
    experiment = written(seeds=8, margin=None)
    plain = analyse_report(read_report_inputs(experiment.folder, experiment.key)).comparisons[0]
    decision = make_seed_decision(8, pilot=8)
    experiment.folder.put(ObjectKey.SEED_DECISION, decision.to_json().encode())
    assert analyse_report(read_report_inputs(experiment.folder, experiment.key)).comparisons[0] == plain


def test_after_an_extension_the_mean_uses_all_seeds_and_the_spread_the_pilot(written: ExperimentWriter) -> None:
    experiment = written(seeds=5, extended=9, half_width="0.002")
    decision = make_seed_decision(9)
    experiment.folder.put(ObjectKey.SEED_DECISION, decision.to_json().encode())
    summary = analyse_report(read_report_inputs(experiment.folder, experiment.key))
    comparison = summary.comparisons[0]
    assert len(comparison.seeds) == len(comparison.differences) == 9
    assert comparison.population is not None
    assert comparison.population.estimate == pytest.approx(np.mean(comparison.differences), rel=1e-12)
    assert comparison.population.seed_se == pytest.approx(np.std(comparison.differences[:5], ddof=1) / 3, rel=1e-9)
    assert [len(model.runs) for model in summary.models] == [9, 9, 9]
    assert summary.seed_decision == decision


def test_detectable_is_the_power_of_the_paired_t_test(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["detectable", "--seeds", "8", "--rows-positive", "5000", "--rows-negative", "15000"]
    assert main(arguments) == ExitCode.SUCCESS
    result = json.loads(capsys.readouterr().out)
    assert result["inSdOfPairedDifferences"] == pytest.approx(1.16, abs=0.005)
    assert result["examples"]["typical (sd 0.001)"] == pytest.approx(0.00116, abs=5e-6)
    assert 0.003 < result["testSet"]["standardErrorOfOneAuc"] < 0.005


def test_more_comparisons_increase_the_detectable_difference(capsys: pytest.CaptureFixture[str]) -> None:
    differences = []
    for comparisons in ("1", "4"):
        assert main(["detectable", "--seeds", "5", "--comparisons", comparisons]) == ExitCode.SUCCESS
        differences.append(json.loads(capsys.readouterr().out)["inSdOfPairedDifferences"])
    assert differences[0] < differences[1]
