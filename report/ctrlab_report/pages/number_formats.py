"""Numbers as text: the same number of digits wherever a number appears, and a real minus sign."""

import math

from ctrlab_api.names import ObjectKey
from ctrlab_api.records import (
    ComparisonSummary,
    ConfidenceInterval,
    DistributionFreeTest,
    ReportSummary,
    SeedEstimate,
    SingleRun,
)
from ctrlab_api.records.ablation_summary import AblationRow
from ctrlab_api.records.studies import ParameterValue

NAMES = {
    "auc": "AUC",
    "logloss": "LogLoss",
    "gauc": "GAUC",
    "ne": "NE",
    "pcoc": "PCOC",
    "ece": "ECE",
    "brier": "Brier score",
}
"""Metrics as papers print them."""

MINUS = "−"


def metric_name(metric: str) -> str:
    """`auc` as AUC."""
    return NAMES.get(metric, metric)


def exact_p(found: DistributionFreeTest | None) -> str:
    """The p of an exact test, or from how many seeds on it could have reached its level."""
    if found is None:
        return "–"
    return p_value(found.p) if found.p is not None else f"needs {found.seeds_needed} seeds"


def anomaly_name(kind: str) -> str:
    """`best-epoch-is-the-first` as words."""
    return {"auc-at-or-below-half": "AUC at or below one half"}.get(kind, kind.replace("-", " "))


def value(number: float | None, digits: int = 4) -> str:
    """A metric value; an en dash where there is none."""
    return "–" if number is None else f"{number:.{digits}f}".replace("-", MINUS)


def difference(number: float | None, digits: int = 4) -> str:
    """A difference, with its sign."""
    return "–" if number is None else f"{number:+.{digits}f}".replace("-", MINUS)


def mean_sd(estimate: SeedEstimate | None, digits: int = 4) -> str:
    """`0.7712 ± 0.0012`: mean and standard deviation over seeds."""
    if estimate is None:
        return "–"
    return value(estimate.mean, digits) + (f" ± {estimate.sd:.{digits}f}" if estimate.sd is not None else "")


def interval(found: ConfidenceInterval | None, digits: int = 4) -> str:
    """`0.7700 to 0.7724`."""
    return "–" if found is None else f"{value(found.low, digits)} to {value(found.high, digits)}"


def signed_interval(found: ConfidenceInterval | None, digits: int = 4) -> str:
    """An interval of a difference, with signs."""
    return "–" if found is None else signed_interval_of(found.low, found.high, digits)


def signed_interval_of(low: float, high: float, digits: int = 4) -> str:
    """`−0.0012 to +0.0034`."""
    return f"{difference(low, digits)} to {difference(high, digits)}"


def one_run(found: SingleRun | None, digits: int = 4, signed: bool = False) -> str:
    """`0.70 to 0.72 (one run)`: an interval that knows nothing of other seeds."""
    if found is None:
        return "–"
    return f"{(signed_interval if signed else interval)(found.interval, digits)} (one run)"


def p_value(p: float | None) -> str:
    """`0.012`, `< 0.001`."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.995 else "> 0.99"


def p_clause(p: float | None) -> str:
    """`p = 0.012`, `p < 0.001`."""
    text = p_value(p)
    return f"p {text}" if text[0] in "<>" else f"p = {text}"


def percent(share: float | None, digits: int = 0) -> str:
    """`0.95` as `95 %`."""
    return "–" if share is None else f"{100 * share:.{digits}f} %".replace("-", MINUS)


def signed_percent(share: float | None, digits: int = 2) -> str:
    """`0.012` as `+1.20 %`."""
    return "–" if share is None else f"{100 * share:+.{digits}f} %".replace("-", MINUS)


def level(confidence: float) -> str:
    """`0.95` as `95 %`, `0.999` as `99.9 %`."""
    return f"{100 * confidence:.6g} %"


def duration(seconds: float | None) -> str:
    """`4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def size(number: int | None) -> str:
    """Bytes as MiB or GiB."""
    if number is None:
        return "–"
    gib = number / 2**30
    return f"{gib:.2f} GiB" if gib >= 1 else f"{number / 2**20:.0f} MiB"


def count(number: int | None) -> str:
    """An integer with thin spaces between thousands."""
    return "–" if number is None else f"{number:,}".replace(",", "\u202f")


def digits_for(spread: float) -> int:
    """Decimals that show two significant digits of a spread, between 4 and 7."""
    if spread <= 0 or not math.isfinite(spread):
        return 4
    return min(max(1 - math.floor(math.log10(spread)), 4), 7)


def metric_digits(report: ReportSummary, metric: str) -> int:
    """Decimals for the values of one metric, the same for all models: what the narrowest interval needs."""
    found = [model.metrics[metric] for model in report.models]
    spreads = [one.population.se for one in found if one.population]
    spreads = spreads or [one.test.sd / one.test.n**0.5 for one in found if one.test and one.test.sd]
    return max((digits_for(spread) for spread in spreads), default=4)


def digits(row: ComparisonSummary) -> int:
    """Decimals for the differences of one comparison, by its standard error."""
    known = row.population or row.single_run
    spread = known.se if known else (row.this_test_set.sd if row.this_test_set else None)
    return digits_for(spread or 0.0)


def parameter(found: ParameterValue) -> str:
    """A hyper-parameter; six significant digits of a decimal."""
    return f"{found:.6g}" if isinstance(found, float) else str(found).lower() if isinstance(found, bool) else str(found)


def drop_digits(report: ReportSummary, row: AblationRow) -> int:
    """Decimals for a drop: those of its comparison."""
    found = [one for one in report.comparisons if one.role == "primary" and one.a == row.variant]
    return digits(found[0]) if found else 4


def experiment_page(experiment: str) -> str:
    """From a report's folder to the newest report of another experiment (namespace/name/uid) of the same store."""
    return f"../../../../../{experiment}/{ObjectKey.LATEST_PAGE}"


_STYLES: dict[str | None, tuple[str, str]] = {
    "better": ("good", "▲"),
    "worse": ("bad", "▼"),
    "equivalent": ("same", "≈"),
    "better-on-this-test-set-only": ("open", "△"),
    "inconclusive (needs N seeds)": ("open", "?"),
    "inconclusive (test set too small)": ("open", "?"),
    "degenerate": ("open", "∅"),
}


def verdict_style(verdict: str | None) -> tuple[str, str]:
    """The page's style class of a verdict, and a sign that says it without colour."""
    return _STYLES.get(verdict, ("open", "·"))
