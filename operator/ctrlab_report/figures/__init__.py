"""The figures of a report, each a pure function of the summary (learning curves also of the run records)."""

from ctrlab_contract.records import ReportSummary
from ctrlab_report.figures.by_model import seed_dots, validation_against_test, variance_split
from ctrlab_report.figures.by_pair import slopes
from ctrlab_report.figures.canvas import CLASSES, Figure
from ctrlab_report.figures.forest import drops, forest
from ctrlab_report.figures.lines import learning_curves, reliability, tuning_curves, tuning_history
from ctrlab_report.gather import Gathered

__all__ = ["CLASSES", "Figure", "draw_all"]


def draw_all(summary: ReportSummary, gathered: Gathered) -> dict[str, Figure]:
    """Every figure that has something to show, by name, in the order of the page."""
    drawn = (
        forest(summary),
        drops(summary),
        seed_dots(summary),
        variance_split(summary),
        slopes(summary),
        validation_against_test(summary),
        reliability(summary),
        tuning_history(summary),
        tuning_curves(summary),
        learning_curves(summary, gathered),
    )
    return {figure.name: figure for figure in drawn if figure is not None}
