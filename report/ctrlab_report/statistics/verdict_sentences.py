"""The sentence of each verdict. Every number in it is a field of the comparison's result; the wording is fixed.

Differences are always A minus B with their sign. Numbers are formatted as in the tables of the page: rounded to two
significant digits of the standard error, so no sentence shows a digit that the data do not support.
"""

from dataclasses import dataclass

from ctrlab_report.formatting.number_formats import (
    decimals_for_spread,
    format_confidence,
    format_difference,
    format_p_clause,
    format_signed_range,
    metric_name,
)
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.two_source_estimates import TwoSourceComparison


def degenerate_sentence(a: str, b: str, result: Degenerate) -> str:
    """Return the sentence of row 1: no inference is possible."""
    return (
        f"{a} and {b} cannot be compared: {result.reason}. The raw difference is "
        f"{format_difference(result.estimate, 6)}."
    )


@dataclass(frozen=True)
class VerdictSentences:
    """Sentences about one two-source comparison of A and B, one method for each row of the verdict table."""

    a: str
    b: str
    metric: str
    higher_is_better: bool
    result: TwoSourceComparison
    comparisons: int = 1
    """Number of comparisons that the p-values are corrected for."""
    unit: str = "seeds"
    """Unit of replication: seeds, or studies with the average of their runs."""

    def better(self, p: float | None) -> str:
        """Return the sentence of row 3."""
        return f"{self.a} is better than {self.b}: {self._difference()} {self._evidence(p)}."

    def worse(self, p: float | None) -> str:
        """Return the sentence of row 4."""
        return f"{self.a} is worse than {self.b}: {self._difference()} {self._evidence(p)}."

    def equivalent(self, margin: float, p: float | None, *, significant: bool) -> str:
        """Return the sentence of row 2; `significant` if the difference is significant, but within the margin."""
        text = (
            f"{self.a} and {self.b} are equivalent within the planned margin of ±{margin:g}: {self._difference()} "
            f"({self._interval()}, equivalence {_p(p)}{self._corrected}, {self._count()})."
        )
        return f"{text} The difference is statistically significant, but within the margin." if significant else text

    def better_on_this_test_set(self, p_these_rows: float | None, p_new_rows: float | None) -> str:
        """Return the sentence of row 5; both p-values are adjusted, so the plain interval can exclude zero."""
        return (
            f"{self.a} scored better than {self.b} on these test rows ({self._difference()}, {_p(p_these_rows)} over "
            f"{self._count()}), but with the sampling error of the test rows included the comparison is inconclusive "
            f"({self._interval()}, {_p(p_new_rows)}{', both p' if self._corrected else ''}{self._corrected})."
        )

    def test_set_too_small(self, p: float | None, limit: float) -> str:
        """Return the sentence of row 6."""
        return (
            f"{self._undecided(p)} More {self.unit} would not decide it: with these test rows the half-width of the "
            f"interval stays above ±{limit:.2g} for any number of {self.unit}; more test rows are needed."
        )

    def needs_seeds(self, p: float | None, seeds: int) -> str:
        """Return the sentence of row 7."""
        return f"{self._undecided(p)} About {seeds} {self.unit} would decide it with the same difference and spread."

    def _undecided(self, p: float | None) -> str:
        return f"It is undecided whether {self.a} or {self.b} is better: {self._difference()} {self._evidence(p)}."

    def _evidence(self, p: float | None) -> str:
        return f"({self._interval()}, {_p(p)}{self._corrected}, {self._count()})"

    def _difference(self) -> str:
        direction = "" if self.higher_is_better else " (lower is better)"
        return (
            f"{metric_name(self.metric)} differs by {format_difference(self.result.estimate, self._digits)}{direction}"
        )

    def _interval(self) -> str:
        bounds = format_signed_range(self.result.low, self.result.high, self._digits)
        return f"{format_confidence(self.result.confidence)} CI {bounds}"

    def _count(self) -> str:
        return f"{self.result.seeds} {self.unit}"

    @property
    def _corrected(self) -> str:
        return f" after correction for {self.comparisons} comparisons" if self.comparisons > 1 else ""

    @property
    def _digits(self) -> int:
        return decimals_for_spread(self.result.se)


def _p(p: float | None) -> str:
    return "no p" if p is None else format_p_clause(p)
