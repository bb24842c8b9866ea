"""The sentence of each verdict. Every number in it stands in the comparison's result; the wording is fixed.

Differences are always A minus B with their sign, and every number is written as the page's tables write it: rounded to
two significant digits of the standard error, so that no sentence shows a digit which the data do not carry.
"""

from dataclasses import dataclass

from ctrlab_report.pages.number_formats import (
    difference,
    digits_for,
    level,
    metric_name,
    p_clause,
    signed_interval_of,
)
from ctrlab_report.statistics.degenerate_results import Degenerate
from ctrlab_report.statistics.two_source_estimates import TwoSourceComparison


def degenerate_sentence(a: str, b: str, result: Degenerate) -> str:
    """No inference was possible."""
    return f"{a} and {b} cannot be compared: {result.reason}. The plain difference is {difference(result.estimate, 6)}."


@dataclass(frozen=True)
class VerdictSentences:
    """Writes about one two-source comparison of A and B."""

    a: str
    b: str
    metric: str
    higher_is_better: bool
    result: TwoSourceComparison
    comparisons: int = 1
    """How many the p-values are corrected for."""
    unit: str = "seeds"
    """What was counted: seeds, or searches with the average of their runs."""

    def better(self, p: float | None) -> str:
        """Row 3."""
        return f"{self.a} is better than {self.b}: {self._difference()} {self._evidence(p)}."

    def worse(self, p: float | None) -> str:
        """Row 4."""
        return f"{self.a} is worse than {self.b}: {self._difference()} {self._evidence(p)}."

    def equivalent(self, margin: float, p: float | None, alpha: float, *, real: bool) -> str:
        """Row 2; `real` adds that the difference, though too small to matter, is there."""
        text = (
            f"{self.a} and {self.b} are equivalent within the planned margin of ±{margin:g}: {self._difference()} "
            f"({self._interval()}, equivalence {_p(p)}{self._corrected}, {self._seeds()})."
        )
        return f"{text} The difference is real, and too small to matter by that margin." if real else text

    def better_here(self, p_here: float | None, p_elsewhere: float | None) -> str:
        """Row 5; both p-values after correction, so that the plain interval may exclude zero and still not decide."""
        return (
            f"{self.a} scored better than {self.b} on these test rows ({self._difference()}, {_p(p_here)} over "
            f"{self._seeds()}), but counting that other test rows could have been drawn it stays open "
            f"({self._interval()}, {_p(p_elsewhere)}{', both p' if self._corrected else ''}{self._corrected})."
        )

    def needs_seeds(self, p: float | None, seeds: int) -> str:
        """Row 7."""
        enough = f"About {seeds} {self.unit} would decide it"
        return f"{self._undecided(p)} {enough} if difference and spread stayed as they are."

    def test_set_too_small(self, p: float | None, limit: float) -> str:
        """Row 6."""
        return (
            f"{self._undecided(p)} More {self.unit} would not decide it: these test rows leave an interval of at least "
            f"±{limit:.2g} around such a difference, however many {self.unit} there are; more test rows are needed."
        )

    def _undecided(self, p: float | None) -> str:
        return f"Whether {self.a} or {self.b} is better is open: {self._difference()} {self._evidence(p)}."

    def _evidence(self, p: float | None) -> str:
        return f"({self._interval()}, {_p(p)}{self._corrected}, {self._seeds()})"

    def _difference(self) -> str:
        direction = "" if self.higher_is_better else " (lower is better)"
        return f"{metric_name(self.metric)} differs by {difference(self.result.estimate, self._digits)}{direction}"

    def _interval(self) -> str:
        bounds = signed_interval_of(self.result.low, self.result.high, self._digits)
        return f"{level(self.result.confidence)} CI {bounds}"

    def _seeds(self) -> str:
        return f"{self.result.seeds} {self.unit}"

    @property
    def _corrected(self) -> str:
        return f" after correction for {self.comparisons} comparisons" if self.comparisons > 1 else ""

    @property
    def _digits(self) -> int:
        return digits_for(self.result.se)


def _p(p: float | None) -> str:
    return "no p" if p is None else p_clause(p)
