"""The smallest difference that a planned number of seeds and test rows can detect."""

from typing import Any

from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_report.statistics.power_and_precision import hanley_mcneil_se, minimum_detectable_effect
from ctrlab_report.statistics.students_t import simultaneous_confidence

POWER = 0.8

EXAMPLES = {"stable (sd 0.0005)": 0.0005, "typical (sd 0.001)": 0.001, "noisy (sd 0.003)": 0.003}
"""Typical standard deviations of paired AUC differences over seeds of CTR models."""

_EXAMPLE_AUC = 0.8


def detectable_difference(
    seeds: int, comparisons: int, confidence: float, rows_positive: int | None, rows_negative: int | None
) -> dict[str, Any]:
    """Return, ready for JSON, the difference detected with 80 % power, in units of the sd of paired differences.

    Examples in AUC are included. With the sizes of both test classes, also the standard error of one AUC of .8 on such
    a test set (Hanley and McNeil 1982), which limits the gain from more seeds. Raises InvalidSpec for fewer than 2
    seeds or no comparison.
    """
    if seeds < 2 or comparisons < 1:
        raise InvalidSpec(
            [Problem("--seeds, --comparisons", f"found {seeds} and {comparisons}; at least 2 and 1 are allowed")]
        )
    alpha = 1 - simultaneous_confidence(confidence, comparisons)
    in_sd = minimum_detectable_effect(seeds**-0.5, seeds - 1, alpha=alpha, power=POWER).effect
    result: dict[str, Any] = {
        "seeds": seeds,
        "comparisons": comparisons,
        "power": POWER,
        "alphaEach": alpha,
        "inSdOfPairedDifferences": in_sd,
        "examples": {name: in_sd * sd for name, sd in EXAMPLES.items()},
        "assumes": "a paired t-test over shared seeds on one test set; the finite test set adds its own error",
    }
    if rows_positive and rows_negative:
        result["testSet"] = {
            "standardErrorOfOneAuc": hanley_mcneil_se(_EXAMPLE_AUC, rows_positive, rows_negative),
            "atAuc": _EXAMPLE_AUC,
            "note": "a difference of two similar models has a standard error about 5 to 10 times smaller",
        }
    return result
