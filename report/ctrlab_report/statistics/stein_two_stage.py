"""How many seeds to add after the pilot, decided once and from the spread alone (Stein 1945).

Adding seeds until a p-value crosses .05 raises the type I error to .13 with four looks and .29 with many. Stein's rule
looks at the pilot's spread only, extends once, and the final interval takes spread and degrees of freedom from the
pilot: its level then holds exactly for normal seeds, whatever the number added. All models get the same number of
seeds, which keeps the pairing.

The spread comes from the pilot's validation metrics, so that the test set stays closed until the number is fixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ctrlab_report.statistics.errors import OutOfRange, TooFewSeeds
from ctrlab_report.statistics.input_checks import require_positive
from ctrlab_report.statistics.power_and_precision import seeds_for_half_width

STEIN = "stein-two-stage"


class SeedReason(StrEnum):
    """Why the planned number of seeds is what it is."""

    PRECISE = "PilotIsPrecise"
    EXTEND = "PilotSpread"
    CAPPED = "SeedMaximum"
    TEST_SET = "TestSetLimits"


@dataclass(frozen=True)
class PairSpread:
    """Of one planned comparison: `seed_sd` of the pilot's differences, `test_variance` the part seeds cannot shrink.

    `test_variance` is 2 (Cov2 - Cov3), scaled to the size of the test set; 0 where it is not known before the test
    opens.
    """

    seed_sd: float
    test_variance: float = 0.0


@dataclass(frozen=True)
class SeedExtension:
    """Seeds of every model in the final analysis.

    `needed` gives for each pair the seeds it asks for, before the cap; None where seeds cannot reach the half-width.
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
    """N = max(pilot, ceil((t_{pilot - 1} s / h)^2)), the largest over pairs, at most `maximum`.

    `spreads` maps a pair's name to its spread; `half_width` is h in metric units. A known `test_variance` takes its
    part of the half-width first; a pair whose test part alone exceeds h asks for no seeds at all. Raises TooFewSeeds
    for a pilot below 2, OutOfRange for a maximum below the pilot.
    """
    if pilot < 2:
        raise TooFewSeeds(f"pilot: found {pilot} seeds, needs at least 2 (8 are recommended)")
    if maximum < pilot:
        raise OutOfRange(f"seeds.max: found {maximum}, allowed is at least the pilot's {pilot}")
    require_positive(half_width, "precision.halfWidth")
    needed = {pair: _needed(spread, pilot, half_width, confidence) for pair, spread in sorted(spreads.items())}
    asked = [seeds for seeds in needed.values() if seeds is not None]
    wanted = max(asked, default=pilot)
    if not asked:
        reason = SeedReason.TEST_SET
    elif wanted > maximum:
        reason = SeedReason.CAPPED
    else:
        reason = SeedReason.EXTEND if wanted > pilot else SeedReason.PRECISE
    return SeedExtension(STEIN, min(wanted, maximum), pilot, maximum, half_width, confidence, reason, needed)


def _needed(spread: PairSpread, pilot: int, half_width: float, confidence: float) -> int | None:
    if spread.seed_sd == 0.0:
        return pilot
    answer = seeds_for_half_width(spread.seed_sd, spread.test_variance, half_width, confidence=confidence, pilot=pilot)
    return None if answer.seeds is None else max(pilot, answer.seeds)
