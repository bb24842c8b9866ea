"""Corrections for multiple testing: Holm for the primary metric, Benjamini-Hochberg for exploratory metrics.

A degenerate comparison has no p-value but was planned, so it counts in the size of the family.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from statsmodels.stats.multitest import multipletests

from ctrlab_report.statistics.errors import OutOfRange
from ctrlab_report.statistics.input_checks import require_open_unit_interval


class Correction(StrEnum):
    """Names as in `spec.analysis.correction`."""

    NONE = "None"
    BONFERRONI = "Bonferroni"
    HOLM = "Holm"
    HOCHBERG = "Hochberg"
    BENJAMINI_HOCHBERG = "BenjaminiHochberg"


_STATSMODELS = {
    Correction.NONE: "none",
    Correction.BONFERRONI: "bonferroni",
    Correction.HOLM: "holm",
    Correction.HOCHBERG: "simes-hochberg",
    Correction.BENJAMINI_HOCHBERG: "fdr_bh",
}


@dataclass(frozen=True)
class AdjustedFamily:
    """Adjusted p-values in the order of the raw ones; None where there is no p-value.

    `exploratory` is true for Benjamini-Hochberg, which bounds the expected share of false claims, not the
    probability of any false claim.
    """

    method: str
    raw: tuple[float | None, ...]
    adjusted: tuple[float | None, ...]
    rejected: tuple[bool, ...]
    alpha: float
    exploratory: bool


def holm(p_values: Sequence[float | None], *, alpha: float = 0.05) -> AdjustedFamily:
    """Adjust by Holm 1979: family-wise error rate at most alpha, under any dependence."""
    return adjust(p_values, Correction.HOLM, alpha=alpha)


def benjamini_hochberg(p_values: Sequence[float | None], *, alpha: float = 0.05) -> AdjustedFamily:
    """Adjust by Benjamini and Hochberg 1995: false discovery rate at most alpha; marked exploratory."""
    return adjust(p_values, Correction.BENJAMINI_HOCHBERG, alpha=alpha)


def adjust(p_values: Sequence[float | None], correction: Correction, *, alpha: float = 0.05) -> AdjustedFamily:
    """Adjust a family of p-values. Raises OutOfRange for a value outside [0, 1].

    Oracle: the 15 p-values of Benjamini and Hochberg 1995; rejections Bonferroni 3, Holm 3, Hochberg 3, BH 4.
    """
    require_open_unit_interval(alpha, "alpha")
    for index, p in enumerate(p_values):
        if p is not None and not 0.0 <= p <= 1.0:
            raise OutOfRange(
                f"p-values: entry {index} is {p}, allowed are 0 to 1, or None where the test was degenerate"
            )
    counted = np.array([1.0 if p is None else p for p in p_values])
    corrected = counted
    if counted.size and correction is not Correction.NONE:
        corrected = multipletests(counted, alpha=alpha, method=_STATSMODELS[correction])[1]
    adjusted = tuple(None if raw is None else float(value) for raw, value in zip(p_values, corrected, strict=True))
    return AdjustedFamily(
        method=f"adjust-{_STATSMODELS[correction]}",
        raw=tuple(p_values),
        adjusted=adjusted,
        rejected=tuple(value is not None and value <= alpha for value in adjusted),
        alpha=alpha,
        exploratory=correction is Correction.BENJAMINI_HOCHBERG,
    )
