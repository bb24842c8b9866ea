"""Seeds whose value is unusual: a remark for the reader, never a reason to leave a result out."""

from ctrlab_report.statistics.anomalies import GrubbsFlag, grubbs


def flagged_seeds(values: dict[int, float], alpha: float) -> dict[str, str]:
    """The seed that Grubbs' two-sided test marks at level `alpha`, with the reason; empty where there is none."""
    if not values:
        return {}
    found = grubbs(list(values.values()), alpha=alpha)
    if not isinstance(found, GrubbsFlag) or found.flagged is None:
        return {}
    return {
        str(list(values)[found.flagged]): f"{found.statistic:.2f} standard deviations from the mean; Grubbs' test at "
        f"level {alpha:g} allows {found.critical:.2f} for {found.seeds} seeds"
    }
