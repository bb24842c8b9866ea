"""The best trial is biased upward; a warning appears if the final runs do not reproduce it within the bound."""

import numpy as np
import pytest

from ctrlab_api.records import TuningSummary
from ctrlab_report.analysis.tuning_summaries import winners_curse_findings
from ctrlab_report.statistics.best_trial_bound import BestTrialBound, best_trial_bound
from ctrlab_report.statistics.degenerate_results import Degenerate


def bound(values: list[float], trials: int) -> float:
    result = best_trial_bound(values, trials)
    assert isinstance(result, BestTrialBound)
    return result.excess


def search(optimism: float | None, optimism_bound: float | None, number: int | None = None) -> TuningSummary:
    return TuningSummary(
        model="SIN",
        search=number,
        sampler="TPE",
        pruner="none",
        budget=8,
        completed=8,
        pruned=0,
        failed=0,
        lost=0,
        seconds=60.0,
        best_value=0.694,
        final_validation=None if optimism is None else 0.694 - optimism,
        optimism=optimism,
        optimism_bound=optimism_bound,
        chosen={},
        justification="",
        history=tuple((number, 0.69) for number in range(8)),
        search_digest="sha256:1",
    )


def test_bound_of_one_trial_has_the_tabulated_factor_for_five_values() -> None:
    """Hahn's factor for one further value, n = 5, 95 %: 2.34 standard deviations."""
    values = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert bound(values, 1) / np.std(values, ddof=1) == pytest.approx(2.34, abs=0.005)


def test_bound_grows_with_the_number_of_trials() -> None:
    values = [0.71, 0.70, 0.72, 0.705, 0.715]
    assert bound(values, 1) < bound(values, 8) < bound(values, 50)


@pytest.mark.parametrize(("trials", "min_share"), [(1, 0.047), (8, 0.02), (50, 0.01)])
def test_selection_alone_exceeds_the_bound_in_at_most_one_of_twenty_studies(trials: int, min_share: float) -> None:
    rng = np.random.default_rng(5)
    runs, best = rng.normal(size=(4000, 5)), rng.normal(size=(4000, trials)).max(axis=1)
    excess = [bound([*row], trials) for row in runs]
    share = float(np.mean(best - runs.mean(axis=1) > excess))
    assert min_share < share < 0.057


@pytest.mark.parametrize("values", [[0.7], [0.7, 0.7, 0.7]])
def test_without_spread_there_is_no_bound(values: list[float]) -> None:
    assert isinstance(best_trial_bound(values, 8), Degenerate)


def test_best_trial_beyond_the_bound_gives_a_warning() -> None:
    (finding,) = winners_curse_findings([search(0.042, 0.0047)], 0.95)
    assert (finding.severity, finding.where) == ("warning", "SIN")
    assert (
        "the best trial had 0.6940 on validation and the final runs 0.6520 on average, a difference of 0.0420"
        in finding.message
    )
    assert "selecting the best of 8 trials explains at most 0.0047 (at 95 % confidence)" in finding.message


@pytest.mark.parametrize(
    "summary", [search(0.004, 0.0047), search(-0.1, 0.0047), search(0.042, None), search(None, None)]
)
def test_best_trial_within_the_bound_gives_no_warning(summary: TuningSummary) -> None:
    assert not list(winners_curse_findings([summary], 0.95))


def test_repeated_studies_are_checked_separately() -> None:
    (finding,) = winners_curse_findings([search(0.001, 0.0047, 1), search(0.042, 0.0047, 2)], 0.95)
    assert finding.where == "SIN, study 2"
