"""The explicit result of an analysis of values that do not vary.

With one seed, or with runs that do not differ at all, a p-value would be meaningless. The functions of this package
then return `Degenerate` instead of a result, so that a caller cannot overlook it.
"""

from dataclasses import dataclass

import numpy as np

from ctrlab_report.statistics.input_checks import FloatArray

# Two runs whose metrics differ by less than this share of their magnitude differ by rounding, not by training.
ROUNDING = 1e-12

ONE_SEED = "the spread between seeds cannot be estimated from one seed"
EQUAL_SEEDS = "the seeds do not differ, so their spread cannot be estimated"


@dataclass(frozen=True)
class Degenerate:
    """No inference is possible.

    `reason` is a clause for the report, `n` the number of seeds, `estimate` the value without an error.
    """

    method: str
    reason: str
    n: int
    estimate: float


def is_constant(values: FloatArray, scale: float) -> bool:
    """Return whether `values` are equal up to the rounding of numbers of magnitude `scale`."""
    return float(np.ptp(values)) <= ROUNDING * max(abs(scale), float(np.finfo(np.float64).tiny))
