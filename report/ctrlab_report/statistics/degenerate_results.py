"""The explicit result of an analysis which has nothing to analyse.

With one seed, or with runs that do not differ at all, a p-value would be a number without meaning. The functions of
this package then return `Degenerate` instead of a result, so that a caller cannot overlook it (statistics decision row
24).
"""

from dataclasses import dataclass

import numpy as np

from ctrlab_report.statistics.input_checks import FloatArray

# Two runs whose metrics differ by less than this share of their size differ by rounding, not by training.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Degenerate:
    """No inference is possible: `reason` is a clause for the report, `n` the seeds, `estimate` the plain value."""

    method: str
    reason: str
    n: int
    estimate: float


def is_constant(values: FloatArray, scale: float) -> bool:
    """Whether `values` are equal up to the rounding of numbers of size `scale`."""
    return float(np.ptp(values)) <= ROUNDING * max(abs(scale), float(np.finfo(np.float64).tiny))
