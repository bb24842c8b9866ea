"""The one decision about more seeds: from the pilot's spread, capped, and silent where seeds cannot help."""

import math

import pytest
from scipy import stats

from ctrlab_report.statistics.stein_two_stage import PairSpread, SeedReason, stein_two_stage


@pytest.mark.parametrize("pilot", [5, 8, 10])
@pytest.mark.parametrize("spread", [0.3, 0.9, 2.0])
def test_without_a_test_part_it_is_steins_formula(pilot: int, spread: float) -> None:
    plan = stein_two_stage({"A-B": PairSpread(spread)}, pilot=pilot, maximum=1000, half_width=0.7)
    expected = max(pilot, math.ceil((stats.t.ppf(0.975, pilot - 1) * spread / 0.7) ** 2))
    assert plan.seeds == expected


def test_the_widest_pair_decides_for_all_models() -> None:
    spreads = {"A-B": PairSpread(0.001), "A-C": PairSpread(0.003)}
    plan = stein_two_stage(spreads, pilot=8, maximum=100, half_width=0.002)
    assert plan.needed["A-B"] == 8
    assert plan.seeds == plan.needed["A-C"] == 13
    assert plan.reason is SeedReason.EXTEND


def test_a_precise_pilot_is_kept() -> None:
    plan = stein_two_stage({"A-B": PairSpread(0.0)}, pilot=8, maximum=20, half_width=0.002)
    assert (plan.seeds, plan.reason) == (8, SeedReason.PRECISE)


def test_the_maximum_caps_and_the_need_stays_visible() -> None:
    plan = stein_two_stage({"A-B": PairSpread(0.01)}, pilot=8, maximum=20, half_width=0.002)
    assert (plan.seeds, plan.reason) == (20, SeedReason.CAPPED)
    assert plan.needed["A-B"] == 140


def test_no_seed_is_added_where_the_test_set_alone_is_too_wide() -> None:
    spread = PairSpread(0.01, test_variance=0.0011**2)
    plan = stein_two_stage({"A-B": spread}, pilot=8, maximum=20, half_width=0.002)
    assert (plan.seeds, plan.reason, plan.needed["A-B"]) == (8, SeedReason.TEST_SET, None)


def test_a_known_test_part_asks_for_more_seeds() -> None:
    needed = [
        stein_two_stage({"A-B": PairSpread(0.003, part)}, pilot=8, maximum=10**6, half_width=0.002).seeds
        for part in (0.0, 0.0004**2, 0.0008**2, 0.001**2)
    ]
    assert needed == sorted(set(needed))
