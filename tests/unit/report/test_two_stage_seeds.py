"""Stein's two-stage rule: seeds from the pilot's spread, capped, and none where seeds cannot reach the target."""

import math

import pytest
from scipy import stats

from ctrlab_report.statistics.stein_two_stage import PairSpread, SeedReason, stein_two_stage


@pytest.mark.parametrize("pilot", [5, 8, 10])
@pytest.mark.parametrize("spread", [0.3, 0.9, 2.0])
def test_without_test_variance_it_equals_steins_formula(pilot: int, spread: float) -> None:
    extension = stein_two_stage({"A-B": PairSpread(spread)}, pilot=pilot, maximum=1000, half_width=0.7)
    expected = max(pilot, math.ceil((stats.t.ppf(0.975, pilot - 1) * spread / 0.7) ** 2))
    assert extension.seeds == expected


def test_pair_with_the_largest_spread_decides_for_all_models() -> None:
    spreads = {"A-B": PairSpread(0.001), "A-C": PairSpread(0.003)}
    extension = stein_two_stage(spreads, pilot=8, maximum=100, half_width=0.002)
    assert extension.needed["A-B"] == 8
    assert extension.seeds == extension.needed["A-C"] == 13
    assert extension.reason is SeedReason.EXTEND


def test_precise_pilot_is_not_extended() -> None:
    extension = stein_two_stage({"A-B": PairSpread(0.0)}, pilot=8, maximum=20, half_width=0.002)
    assert (extension.seeds, extension.reason) == (8, SeedReason.PRECISE)


def test_maximum_caps_the_seeds_and_the_needed_number_is_reported() -> None:
    extension = stein_two_stage({"A-B": PairSpread(0.01)}, pilot=8, maximum=20, half_width=0.002)
    assert (extension.seeds, extension.reason) == (20, SeedReason.CAPPED)
    assert extension.needed["A-B"] == 140


def test_no_seed_is_added_if_the_test_variance_alone_exceeds_the_target() -> None:
    spread = PairSpread(0.01, test_variance=0.0011**2)
    extension = stein_two_stage({"A-B": spread}, pilot=8, maximum=20, half_width=0.002)
    assert (extension.seeds, extension.reason, extension.needed["A-B"]) == (8, SeedReason.TEST_SET, None)


def test_test_variance_increases_the_needed_seeds() -> None:
    needed = [
        stein_two_stage({"A-B": PairSpread(0.003, part)}, pilot=8, maximum=10**6, half_width=0.002).seeds
        for part in (0.0, 0.0004**2, 0.0008**2, 0.001**2)
    ]
    assert needed == sorted(set(needed))
