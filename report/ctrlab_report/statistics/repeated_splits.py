"""Comparison of two models over repeated random splits of one data set (experiments that differ in `split.seed`).

The training parts of random splits overlap, so the usual variance is too small; Nadeau and Bengio 2003 add the ratio of
test to training size. Not valid for seeds on one fixed split, where the interval would be more than twice too wide.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ctrlab_report.statistics.degenerate_results import Degenerate, is_constant
from ctrlab_report.statistics.input_checks import as_finite_vector, require_positive
from ctrlab_report.statistics.students_t import two_sided_p

METHOD = "corrected-resampled-t"


@dataclass(frozen=True)
class CorrectedT:
    """Mean difference over splits with the corrected standard error."""

    method: str
    estimate: float
    se: float
    df: float
    statistic: float
    p: float
    splits: int


def corrected_resampled_t(differences: ArrayLike, test_to_train: float) -> CorrectedT | Degenerate:
    """Run the corrected resampled t-test with SE^2 = var (1 / n + test rows / training rows).

    `test_to_train` is the ratio of test to training rows. Oracle: sleep differences at 1 / 9, t -2.795748, p .0208570.
    """
    values = as_finite_vector(differences, "differences over splits")
    require_positive(test_to_train, "ratio of test to training rows")
    estimate = float(values.mean())
    if values.size < 2 or is_constant(values, float(np.abs(values).max())):
        return Degenerate(METHOD, "the differences do not vary over splits", values.size, estimate)
    se = float(values.std(ddof=1) * np.sqrt(1.0 / values.size + test_to_train))
    df = values.size - 1
    return CorrectedT(METHOD, estimate, se, df, estimate / se, two_sided_p(estimate / se, df), values.size)
