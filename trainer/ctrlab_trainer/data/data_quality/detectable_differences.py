"""Warnings about splits with too few clicks to tell models apart."""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Final

from ctrlab_api.records.inspections import InspectionWarning, SplitStatistics

ASSUMED_AUC: Final = 0.75
ASSUMED_CORRELATION: Final = 0.8
"""Correlation of the AUC of two models over test sets; models on the same rows are rarely correlated less."""
STANDARD_ERRORS: Final = 1.96 + 0.84
"""Differences of this size are detected with power 0.8 at level 0.05."""
MAX_DIFFERENCE: Final = 0.02
"""A detectable difference of at most this size is not reported."""


def few_click_warnings(splits: Sequence[SplitStatistics]) -> Iterator[InspectionWarning]:
    """Yield a warning for validation and test if only large differences in AUC could be detected on them."""
    for split in splits[1:]:
        difference = detectable_auc_difference(split.positives, split.rows - split.positives)
        if difference > MAX_DIFFERENCE:
            smaller = min(split.positives, split.rows - split.positives)
            kind = "clicks" if smaller == split.positives else "rows without click"
            yield InspectionWarning(
                kind="FewClicks",
                message=f"{split.name} has only {smaller} {kind}: differences in AUC below about {difference:.2f} "
                "cannot be detected on it; use more rows, or a larger fraction",
            )


def detectable_auc_difference(positives: int, negatives: int) -> float:
    """Return the smallest difference in AUC between two models that a test set detects.

    The variance is that of Hanley and McNeil (1982) at an AUC of 0.75, for two models with correlation 0.8.
    """
    if positives == 0 or negatives == 0:
        return 1.0
    auc = ASSUMED_AUC
    both_positive, both_negative = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (both_positive - auc**2) + (negatives - 1) * (both_negative - auc**2)
    error = sqrt(variance / (positives * negatives))
    return min(STANDARD_ERRORS * error * sqrt(2 * (1 - ASSUMED_CORRELATION)), 1.0)
