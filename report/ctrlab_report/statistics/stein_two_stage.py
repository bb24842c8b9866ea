"""Stein's two-stage rule (1945): the number of seeds to add after the pilot, decided once from the pilot's spread.

Adding seeds until a p-value crosses .05 raises the type I error to .13 with four interim tests and .29 with many.
Stein's rule uses only the spread of the pilot and extends once, and the final interval takes variance and degrees of
freedom from the pilot: its level then holds exactly for normal seeds, for any number of added seeds. All models get the
same number of seeds, which keeps the pairing.

The spread is that of the pilot's validation metrics, so the test rows stay sealed until the number is fixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ctrlab_report.statistics.errors import OutOfRange, TooFewSeeds
from ctrlab_report.statistics.input_checks import require_positive
from ctrlab_report.statistics.power_and_precision import seeds_for_half_width

STEIN = "stein-two-stage"


class SeedReason(StrEnum):
    """Reason for the decided number of seeds."""

    PRECISE = "PilotIsPrecise"
    EXTEND = "PilotSpread"
    CAPPED = "SeedMaximum"
    TEST_SET = "TestSetLimits"


@dataclass(frozen=True)
class PairSpread:
    """Spread of one planned comparison: `seed_sd` of the pilot's differences, `test_variance` independent of seeds.

    `test_variance` is 2 (Cov2 - Cov3), scaled to the size of the test set; 0 if it is unknown before test is opened.
    """

    seed_sd: float
    test_variance: float = 0.0


@dataclass(frozen=True)
class SeedExtension:
    """Number of seeds of every model in the final analysis.

    `needed` is the number of seeds for each pair before the cap; None if no number of seeds reaches the half-width.
    """

    method: str
    seeds: int
    pilot: int
    maximum: int
    half_width: float
    confidence: float
    reason: SeedReason
    needed: Mapping[str, int | None]


def stein_two_stage(
    spreads: Mapping[str, PairSpread], *, pilot: int, maximum: int, half_width: float, confidence: float = 0.95
) -> SeedExtension:
    """Return N = max(pilot, ceil((t_{pilot - 1} s / h)^2)), the largest over pairs, at most `maximum`.

    `spreads` maps the name of a pair to its spread; `half_width` is h in metric units. A `test_variance` above 0 uses
    its part of the half-width first; a pair whose test-sample part alone exceeds h needs no seeds. Raises TooFewSeeds
    for a pilot below 2, OutOfRange for a maximum below the pilot.
    """
    if pilot < 2:
        raise TooFewSeeds(f"pilot: found {pilot} seeds, needs at least 2 (8 are recommended)")
    if maximum < pilot:
        raise OutOfRange(f"seeds.max: found {maximum}, allowed is at least the pilot's {pilot}")
    require_positive(half_width, "precision.halfWidth")
    needed = {pair: _needed(spread, pilot, half_width, confidence) for pair, spread in sorted(spreads.items())}
    reachable = [seeds for seeds in needed.values() if seeds is not None]
    largest = max(reachable, default=pilot)
    if not reachable:
        reason = SeedReason.TEST_SET
    elif largest > maximum:
        reason = SeedReason.CAPPED
    else:
        reason = SeedReason.EXTEND if largest > pilot else SeedReason.PRECISE
    return SeedExtension(STEIN, min(largest, maximum), pilot, maximum, half_width, confidence, reason, needed)


def _needed(spread: PairSpread, pilot: int, half_width: float, confidence: float) -> int | None:
    if spread.seed_sd == 0.0:
        return pilot
    result = seeds_for_half_width(spread.seed_sd, spread.test_variance, half_width, confidence=confidence, pilot=pilot)
    return None if result.seeds is None else max(pilot, result.seeds)
