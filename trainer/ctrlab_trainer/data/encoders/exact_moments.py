"""Mean and standard deviation that are bit-identical for any order and grouping of the numbers.

Floating-point addition depends on the order. Here sums are integers of arbitrary size (a double is a 53-bit integer
times a power of two), so nothing is rounded before the end. Squares are split into a rounded product and its exact
error (Veltkamp 1968, Dekker 1971) so that they can be summed in the same way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

SCALE = 1200
"""Sums are integers in units of 2**-SCALE; the smallest double is 2**-1074."""
HALF = 26
"""Bits of the low part of a mantissa; sums of 2**31 low or high parts fit in 64 bits."""


@dataclass(frozen=True)
class ExactMoments:
    """Exact count, sum and sum of squares."""

    count: int
    total: int
    """Sum of the numbers, in units of 2**-SCALE."""
    squares: int
    """Sum of their squares, in units of 2**-SCALE."""

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "ExactMoments":
        """Compute the moments of finite numbers below 1e150; squares of numbers below 1e-140 are not exact."""
        product = values * values
        split = 134217729.0 * values
        high = split - (split - values)
        low = values - high
        error = ((high * high - product) + 2 * high * low) + low * low
        return cls(len(values), exact_sum(values), exact_sum(product) + exact_sum(error))

    @classmethod
    def sum(cls, states: Sequence["ExactMoments"]) -> "ExactMoments":
        """Merge the moments of several groups of numbers."""
        return cls(
            sum(state.count for state in states),
            sum(state.total for state in states),
            sum(state.squares for state in states),
        )

    @property
    def mean(self) -> float:
        """Mean, rounded once; ZeroDivisionError without numbers."""
        return float(Fraction(self.total, self.count << SCALE))

    @property
    def deviation(self) -> float:
        """Population standard deviation (division by the count)."""
        mean = Fraction(self.total, self.count << SCALE)
        return math.sqrt(float(Fraction(self.squares, self.count << SCALE) - mean * mean))


def exact_sum(values: NDArray[np.float64]) -> int:
    """Return the sum of finite doubles, in units of 2**-SCALE."""
    fraction, exponent = np.frexp(values)
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    exponent = exponent.astype(np.int16)  # numpy uses radix sort for int16, several times faster
    order = np.argsort(exponent, kind="stable")
    mantissa, exponent = mantissa[order], exponent[order]
    starts = np.flatnonzero(np.diff(exponent, prepend=np.int16(-9999))) if len(exponent) else np.zeros(0, np.int64)
    if len(starts) == 0:
        return 0
    highs = np.add.reduceat(mantissa >> HALF, starts).tolist()
    lows = np.add.reduceat(mantissa & ((1 << HALF) - 1), starts).tolist()
    shifts = (exponent[starts].astype(np.int64) - 53 + SCALE).tolist()
    return sum(((high << HALF) + low) << shift for high, low, shift in zip(highs, lows, shifts, strict=True))
