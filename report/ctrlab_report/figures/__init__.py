"""The figures of a report: pure functions of the summary, and of the run records for learning curves."""

from ctrlab_api.records import ReportSummary
from ctrlab_report.figures.canvas import SVG_CLASSES, Figure
from ctrlab_report.figures.forest_plots import ablation_forest_plot, comparison_forest_plot
from ctrlab_report.figures.line_plots import learning_curves, reliability_diagram, tuning_curves, tuning_history
from ctrlab_report.figures.model_figures import seed_dots, validation_against_test, variance_shares
from ctrlab_report.figures.paired_slopes import paired_slopes
from ctrlab_report.inputs.report_inputs import ReportInputs

__all__ = ["SVG_CLASSES", "Figure", "draw_figures"]


def draw_figures(summary: ReportSummary, inputs: ReportInputs) -> dict[str, Figure]:
    """Return every figure for which the report has data, by name, in the order of the page."""
    figures = (
        comparison_forest_plot(summary),
        ablation_forest_plot(summary),
        seed_dots(summary),
        variance_shares(summary),
        paired_slopes(summary, inputs.plan),
        validation_against_test(summary),
        reliability_diagram(summary),
        tuning_history(summary),
        tuning_curves(summary),
        learning_curves(summary, inputs),
    )
    return {figure.name: figure for figure in figures if figure is not None}
