"""Tests of several models over several data sets: does a ranking generalize? (Demsar 2006; Benavoli et al. 2017)

The unit is the data set, with one number per model (its mean over seeds). Seeds on one data set do not count as data
sets. Below five data sets no test of this module can support a claim, and it raises TooFewDataSets.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ctrlab_report.statistics.errors import MisalignedInput, NotFinite, TooFewDataSets
from ctrlab_report.statistics.input_checks import FloatArray, as_finite_vector, require_open_unit_interval
from ctrlab_report.statistics.multiple_testing import holm

FRIEDMAN = "friedman-iman-davenport"
NEMENYI = "nemenyi-critical-difference"
HOLM_CONTROL = "holm-against-control-ranks"
BAYES_SIGNED_RANK = "bayesian-signed-rank"

MIN_DATA_SETS = 5
_DRAWS = 50_000
_DRAWS_PER_BATCH = 1_000


@dataclass(frozen=True)
class Friedman:
    """`mean_ranks` (1 is best); `chi2` without tie correction, and Iman and Davenport's `f`, from which `p` follows."""

    method: str
    mean_ranks: tuple[float, ...]
    chi2: float
    f: float
    p: float
    data_sets: int


@dataclass(frozen=True)
class CriticalDifference:
    """Models whose mean ranks differ by less than `difference` are not significantly different (Nemenyi 1963).

    `groups` are the maximal sets of such models, as indices in order of mean rank: the bars of the diagram.
    """

    method: str
    difference: float
    groups: tuple[tuple[int, ...], ...]
    alpha: float


@dataclass(frozen=True)
class ControlComparison:
    """Holm-adjusted p of each model against the control, on mean ranks; None at the index of the control."""

    method: str
    control: int
    adjusted: tuple[float | None, ...]


@dataclass(frozen=True)
class SignedRankPosterior:
    """Posterior probabilities that B is better, that both are equal within the margin, and that A is better."""

    method: str
    b_better: float
    equal: float
    a_better: float
    margin: float
    data_sets: int


def mean_ranks(scores: ArrayLike, *, higher_is_better: bool = True) -> FloatArray:
    """Return the mean rank of each model; `scores` is data sets x models. Raises TooFewDataSets below five."""
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise MisalignedInput(f"scores: found shape {table.shape}, expected data sets x models with at least 2 models")
    if not np.isfinite(table).all():
        data_set, model = np.argwhere(~np.isfinite(table))[0]
        raise NotFinite(
            f"scores: data set {data_set}, model {model} has no finite score; complete or drop that data set"
        )
    _require_data_sets(table.shape[0])
    ranks: FloatArray = stats.rankdata(-table if higher_is_better else table, axis=1).mean(axis=0)
    return ranks


def friedman_test(ranks: ArrayLike, data_sets: int) -> Friedman:
    """Run Friedman's test with the F of Iman and Davenport 1980, from mean ranks.

    Oracle: Demsar 2006 Table 6, N 14, chi2 9.28, F 3.69.
    """
    means = as_finite_vector(ranks, "mean ranks")
    _require_data_sets(data_sets)
    k = means.size
    chi2 = 12.0 * data_sets / (k * (k + 1)) * float((means**2).sum() - k * (k + 1) ** 2 / 4.0)
    denominator = data_sets * (k - 1) - chi2
    f = (data_sets - 1) * chi2 / denominator if denominator > 0.0 else np.inf
    p = float(stats.f.sf(f, k - 1, (k - 1) * (data_sets - 1)))
    return Friedman(FRIEDMAN, tuple(float(rank) for rank in means), chi2, f, p, data_sets)


def critical_difference(ranks: ArrayLike, data_sets: int, *, alpha: float = 0.05) -> CriticalDifference:
    """Return Nemenyi's critical difference for all pairs. Oracle: k 4, N 14 gives 1.2536 at .05 and 1.1181 at .10."""
    means = as_finite_vector(ranks, "mean ranks")
    _require_data_sets(data_sets)
    k = means.size
    quantile = float(stats.studentized_range.isf(require_open_unit_interval(alpha, "alpha"), k, np.inf)) / float(
        np.sqrt(2.0)
    )
    difference = quantile * float(np.sqrt(k * (k + 1) / (6.0 * data_sets)))
    return CriticalDifference(NEMENYI, difference, _groups(means, difference), alpha)


def compare_with_control(ranks: ArrayLike, data_sets: int, control: int) -> ControlComparison:
    """Run z tests of every mean rank against that of the control, Holm-adjusted (Demsar 2006, section 3.2.2)."""
    means = as_finite_vector(ranks, "mean ranks")
    _require_data_sets(data_sets)
    k = means.size
    z = (means - means[control]) / np.sqrt(k * (k + 1) / (6.0 * data_sets))
    others = [model for model in range(k) if model != control]
    adjusted = holm([float(2.0 * stats.norm.sf(abs(z[model]))) for model in others]).adjusted
    by_model = dict(zip(others, adjusted, strict=True))
    return ControlComparison(HOLM_CONTROL, control, tuple(by_model.get(model) for model in range(k)))


def bayesian_signed_rank(a: ArrayLike, b: ArrayLike, margin: float, *, seed: int = 0) -> SignedRankPosterior:
    """Run the Bayesian signed-rank test of two models over data sets (Benavoli et al. 2014).

    A Dirichlet process with one pseudo data set at zero difference weights the pairwise means of the differences; a
    draw counts for the outcome with the largest weight. `margin` is the region of practical equivalence, in metric
    units.
    """
    first, second = as_finite_vector(a, "scores of A"), as_finite_vector(b, "scores of B")
    if first.size != second.size:
        raise MisalignedInput(
            f"scores: found {first.size} and {second.size} data sets; both models need a score on every data set"
        )
    _require_data_sets(first.size)
    differences = np.concatenate(([0.0], first - second))
    walsh = 0.5 * (differences[:, None] + differences[None, :])
    outcomes = np.stack([walsh < -margin, np.abs(walsh) <= margin, walsh > margin]).astype(np.float64)
    rng = np.random.default_rng(seed)
    wins = np.zeros(3)
    for _ in range(_DRAWS // _DRAWS_PER_BATCH):
        weights = rng.dirichlet(np.ones(differences.size), _DRAWS_PER_BATCH)
        mass = np.einsum("di,oij,dj->do", weights, outcomes, weights, optimize=True)
        wins += np.bincount(mass.argmax(axis=1), minlength=3)
    below, within, above = (float(count) / _DRAWS for count in wins)
    return SignedRankPosterior(BAYES_SIGNED_RANK, below, within, above, margin, first.size)


def _groups(means: FloatArray, difference: float) -> tuple[tuple[int, ...], ...]:
    order = [int(model) for model in np.argsort(means, kind="stable")]
    reach = [max(i for i, other in enumerate(order) if means[other] - means[model] <= difference) for model in order]
    bars = [
        tuple(order[start : end + 1])
        for start, end in enumerate(reach)
        if end > start and (start == 0 or reach[start - 1] < end)
    ]
    return tuple(bars)


def _require_data_sets(data_sets: int) -> None:
    if data_sets < MIN_DATA_SETS:
        raise TooFewDataSets(
            f"data sets: found {data_sets}, needs {MIN_DATA_SETS}; compare the models on each data set separately"
        )
