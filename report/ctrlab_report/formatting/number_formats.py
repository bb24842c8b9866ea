"""Numbers as text: the same number of digits wherever a number appears, and a typographic minus sign."""

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

DISPLAY_NAMES = {
    "auc": "AUC",
    "logloss": "LogLoss",
    "gauc": "GAUC",
    "auc_by_group": "AUC by group",
    "ne": "NE",
    "pcoc": "PCOC",
    "ece": "ECE",
    "brier": "Brier score",
}
"""Metrics as papers print them."""

MINUS = "−"
ABSENT = "–"
"""Text for a number that does not exist."""

MIN_DECIMALS, MAX_DECIMALS = 4, 7


def metric_name(metric: str) -> str:
    """Return the printed name of a metric: `auc` as AUC."""
    return DISPLAY_NAMES.get(metric, metric)


def anomaly_name(kind: str) -> str:
    """Return the kind of an anomaly in words: `best-epoch-is-the-first` as "best epoch is the first"."""
    return {"auc-at-or-below-half": "AUC at or below one half"}.get(kind, kind.replace("-", " "))


def format_value(number: float | None, decimals: int = 4) -> str:
    """Format the value of a metric."""
    return ABSENT if number is None else f"{number:.{decimals}f}".replace("-", MINUS)


def format_difference(number: float | None, decimals: int = 4) -> str:
    """Format a difference, always with its sign."""
    return ABSENT if number is None else f"{number:+.{decimals}f}".replace("-", MINUS)


def format_mean_sd(estimate: SeedEstimate | None, decimals: int = 4) -> str:
    """Format mean and standard deviation over seeds: `0.7712 ± 0.0012`."""
    if estimate is None:
        return ABSENT
    return format_value(estimate.mean, decimals) + (f" ± {estimate.sd:.{decimals}f}" if estimate.sd is not None else "")


def format_interval(interval: ConfidenceInterval | None, decimals: int = 4) -> str:
    """Format the interval of a value: `0.7700 to 0.7724`."""
    if interval is None:
        return ABSENT
    return f"{format_value(interval.low, decimals)} to {format_value(interval.high, decimals)}"


def format_signed_interval(interval: ConfidenceInterval | None, decimals: int = 4) -> str:
    """Format the interval of a difference, with signs."""
    return ABSENT if interval is None else format_signed_range(interval.low, interval.high, decimals)


def format_signed_range(low: float, high: float, decimals: int = 4) -> str:
    """Format the limits of a difference: `−0.0012 to +0.0034`."""
    return f"{format_difference(low, decimals)} to {format_difference(high, decimals)}"


def format_single_run(estimate: SingleRun | None, decimals: int = 4, signed: bool = False) -> str:
    """Format the interval from a single run, which does not cover other seeds: `0.70 to 0.72 (one run)`."""
    if estimate is None:
        return ABSENT
    return f"{(format_signed_interval if signed else format_interval)(estimate.interval, decimals)} (one run)"


def format_p(p: float | None) -> str:
    """Format a p-value: `0.012`, `< 0.001`."""
    if p is None:
        return ABSENT
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.995 else "> 0.99"


def format_p_clause(p: float | None) -> str:
    """Format a p-value for a sentence: `p = 0.012`, `p < 0.001`."""
    text = format_p(p)
    return f"p {text}" if text[0] in "<>" else f"p = {text}"


def format_distribution_free_p(test: DistributionFreeTest | None) -> str:
    """Format the p-value of an exact test, or the number of seeds from which on it can reach its level."""
    if test is None:
        return ABSENT
    return format_p(test.p) if test.p is not None else f"needs {test.seeds_needed} seeds"


def format_percent(share: float | None, decimals: int = 0) -> str:
    """Format a share: `0.95` as `95 %`."""
    return ABSENT if share is None else f"{100 * share:.{decimals}f} %".replace("-", MINUS)


def format_signed_percent(share: float | None, decimals: int = 2) -> str:
    """Format a relative difference: `0.012` as `+1.20 %`."""
    return ABSENT if share is None else f"{100 * share:+.{decimals}f} %".replace("-", MINUS)


def format_confidence(confidence: float) -> str:
    """Format a confidence level: `0.95` as `95 %`, `0.999` as `99.9 %`."""
    return f"{100 * confidence:.6g} %"


def format_duration(seconds: float | None) -> str:
    """Format a duration: `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return ABSENT
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def format_bytes(size: int | None) -> str:
    """Format a number of bytes in MiB or GiB."""
    if size is None:
        return ABSENT
    gib = size / 2**30
    return f"{gib:.2f} GiB" if gib >= 1 else f"{size / 2**20:.0f} MiB"


def format_count(number: int | None) -> str:
    """Format an integer with thin spaces between thousands."""
    return ABSENT if number is None else f"{number:,}".replace(",", "\u202f")


def format_parameter(parameter: ParameterValue) -> str:
    """Format a hyperparameter; a float with six significant digits."""
    if isinstance(parameter, bool):
        return str(parameter).lower()
    return f"{parameter:.6g}" if isinstance(parameter, float) else str(parameter)


def decimals_for_spread(spread: float) -> int:
    """Return the number of decimals that shows two significant digits of a spread, between 4 and 7."""
    if spread <= 0 or not math.isfinite(spread):
        return MIN_DECIMALS
    return min(max(1 - math.floor(math.log10(spread)), MIN_DECIMALS), MAX_DECIMALS)


def metric_decimals(report: ReportSummary, metric: str) -> int:
    """Return the number of decimals for one metric, equal for all models: enough for the narrowest interval."""
    summaries = [model.metrics[metric] for model in report.models]
    spreads = [summary.population.se for summary in summaries if summary.population]
    spreads = spreads or [
        summary.test.sd / summary.test.n**0.5 for summary in summaries if summary.test and summary.test.sd
    ]
    return max((decimals_for_spread(spread) for spread in spreads), default=MIN_DECIMALS)


def difference_decimals(row: ComparisonSummary) -> int:
    """Return the number of decimals for the differences of one comparison, by its standard error."""
    estimate = row.population or row.single_run
    spread = estimate.se if estimate else (row.this_test_set.sd if row.this_test_set else None)
    return decimals_for_spread(spread or 0.0)


def drop_decimals(report: ReportSummary, row: AblationRow) -> int:
    """Return the number of decimals for the drop of a variant: that of its comparison."""
    comparison = next((one for one in report.comparisons if one.role == "primary" and one.a == row.variant), None)
    return difference_decimals(comparison) if comparison is not None else MIN_DECIMALS


def newest_page_path(experiment: str) -> str:
    """Return the path from a report's folder to the newest report of another experiment of the same store.

    `experiment` is its key, namespace/name/uid.
    """
    return f"../../../../../{experiment}/{ObjectKey.LATEST_PAGE}"


_VERDICT_STYLES: dict[str | None, tuple[str, str]] = {
    "better": ("good", "▲"),
    "worse": ("bad", "▼"),
    "equivalent": ("same", "≈"),
    "better-on-this-test-set-only": ("open", "△"),
    "inconclusive (needs N seeds)": ("open", "?"),
    "inconclusive (test set too small)": ("open", "?"),
    "degenerate": ("open", "∅"),
}


def verdict_style(verdict: str | None) -> tuple[str, str]:
    """Return the CSS class of a verdict, and a sign that conveys it without color."""
    return _VERDICT_STYLES.get(verdict, ("open", "·"))
