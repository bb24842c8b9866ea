"""The verdict of a comparison: one term of a fixed vocabulary, decided by a table, and its sentence.

The first row that applies decides. All p-values are adjusted by the plan's correction; "gain" is A minus B with the
sign chosen so that positive is better.

| # | when                                                                        | verdict                           |
|---|-----------------------------------------------------------------------------|-----------------------------------|
| 1 | no spread between seeds (one seed, or nothing varies)                       | degenerate                        |
| 2 | a margin was planned and both one-sided tests are significant               | equivalent                        |
| 3 | two-source p <= alpha, gain > 0                                             | better                            |
| 4 | two-source p <= alpha, gain < 0                                             | worse                             |
| 5 | p over seeds on this test set <= alpha, gain > 0                            | better-on-this-test-set-only      |
| 6 | infinitely many seeds would not decide it                                   | inconclusive (test set too small) |
| 7 | otherwise                                                                   | inconclusive (needs N seeds)      |

Row 2 precedes rows 3 and 4 because the plan states which differences do not matter: on millions of rows a negligible
difference is significant, and "better" would mislead; the sentence still states that it is significant. Rows 3 and 4
never use the test over seeds alone. There is no "worse on this test set only": no claim follows from a loss on these
rows only, and rows 6 and 7 state what would decide the comparison.

"Decide" in rows 6 and 7 means: the simultaneous interval would exclude zero, or the equivalence interval would lie
within the margin, if difference and spread stay as observed. N is the smaller of the two numbers of seeds.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np

from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.power_and_precision import SeedsForHalfWidth, seeds_for_half_width
from ctrlab_report.statistics.students_t import critical_value, simultaneous_confidence
from ctrlab_report.statistics.two_source_estimates import TwoSourceComparison
from ctrlab_report.statistics.verdict_sentences import VerdictSentences, degenerate_sentence

METHOD = "verdict-table-1"


ReplicateUnit = Literal["seeds", "studies"]
"""Unit of replication: seeds of final runs, or several studies of a model with the average of their runs."""


class VerdictKind(StrEnum):
    """The vocabulary of verdicts; a report uses no other terms."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    BETTER_HERE = "better-on-this-test-set-only"
    NEEDS_SEEDS = "inconclusive (needs N seeds)"
    TEST_SET_TOO_SMALL = "inconclusive (test set too small)"
    DEGENERATE = "degenerate"


@dataclass(frozen=True)
class Evidence:
    """Inputs of a verdict: names, the two-source comparison, and the adjusted p-values.

    A p-value is None if its test was not possible; `margin` is None if the plan has none. `comparisons` is the size of
    the family for simultaneous intervals, `test_df` the degrees of freedom of the test-sample part.
    """

    a: str
    b: str
    metric: str
    higher_is_better: bool
    two_source: TwoSourceComparison | Degenerate
    adjusted_p: float | None
    adjusted_test_set_only_p: float | None
    adjusted_equivalence_p: float | None
    margin: float | None
    alpha: float
    comparisons: int = 1
    test_df: float = np.inf
    unit: ReplicateUnit = "seeds"


@dataclass(frozen=True)
class Verdict:
    """The verdict, the row of the table that applied, and its sentence.

    `seeds_needed` is N of row 7; `limit` is the half-width with infinitely many seeds in rows 6 and 7.
    """

    method: str
    kind: VerdictKind
    row: int
    sentence: str
    seeds_needed: int | None = None
    limit: float | None = None
    unit: ReplicateUnit = "seeds"

    @property
    def label(self) -> str:
        """The verdict with its number: `inconclusive (needs 17 seeds)`."""
        return self.kind.replace("N seeds", f"{self.seeds_needed} {self.unit}")


def decide_verdict(evidence: Evidence) -> Verdict:
    """Return the verdict of the first row that applies in the table of the module docstring."""
    result = evidence.two_source
    if isinstance(result, Degenerate):
        return Verdict(METHOD, VerdictKind.DEGENERATE, 1, degenerate_sentence(evidence.a, evidence.b, result))
    gain = result.estimate if evidence.higher_is_better else -result.estimate
    sentences = VerdictSentences(
        evidence.a, evidence.b, evidence.metric, evidence.higher_is_better, result, evidence.comparisons, evidence.unit
    )
    significant = _at_most(evidence.adjusted_p, evidence.alpha)
    if evidence.margin is not None and _at_most(evidence.adjusted_equivalence_p, evidence.alpha):
        text = sentences.equivalent(evidence.margin, evidence.adjusted_equivalence_p, significant=significant)
        return Verdict(METHOD, VerdictKind.EQUIVALENT, 2, text)
    if significant and gain > 0:
        return Verdict(METHOD, VerdictKind.BETTER, 3, sentences.better(evidence.adjusted_p))
    if significant:
        return Verdict(METHOD, VerdictKind.WORSE, 4, sentences.worse(evidence.adjusted_p))
    if gain > 0 and _at_most(evidence.adjusted_test_set_only_p, evidence.alpha):
        text = sentences.better_on_this_test_set(evidence.adjusted_test_set_only_p, evidence.adjusted_p)
        return Verdict(METHOD, VerdictKind.BETTER_HERE, 5, text)
    return _undecided(evidence, result, sentences)


def _undecided(evidence: Evidence, result: TwoSourceComparison, sentences: VerdictSentences) -> Verdict:
    targets = _deciding_seeds(evidence, result)
    reachable = [target.seeds for target in targets if target.seeds is not None]
    limit = critical_value(evidence.test_df, result.confidence) * result.se_limit
    if not reachable:
        text = sentences.test_set_too_small(evidence.adjusted_p, limit)
        return Verdict(METHOD, VerdictKind.TEST_SET_TOO_SMALL, 6, text, limit=limit)
    seeds = max(min(reachable), result.seeds + 1)
    text = sentences.needs_seeds(evidence.adjusted_p, seeds)
    return Verdict(METHOD, VerdictKind.NEEDS_SEEDS, 7, text, seeds_needed=seeds, limit=limit, unit=evidence.unit)


def _deciding_seeds(evidence: Evidence, result: TwoSourceComparison) -> list[SeedsForHalfWidth]:
    """Return the seeds for an interval that excludes zero and, with a margin, for one that lies within the margin."""
    size = abs(result.estimate)
    targets = [(size, 1.0 - evidence.alpha)]
    if evidence.margin is not None:
        targets.append((evidence.margin - size, 1.0 - 2.0 * evidence.alpha))
    seed_sd = float(np.sqrt(result.seed_variance * result.seeds))
    return [
        seeds_for_half_width(
            seed_sd,
            result.test_variance,
            half_width,
            test_df=evidence.test_df,
            confidence=simultaneous_confidence(confidence, evidence.comparisons),
        )
        for half_width, confidence in targets
        if half_width > 0.0
    ]


def _at_most(p: float | None, alpha: float) -> bool:
    return p is not None and p <= alpha
