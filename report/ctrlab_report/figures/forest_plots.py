"""Forest plots with the margin as a band: differences of two models, and the drops of an ablation."""

from collections.abc import Sequence
from dataclasses import dataclass

from ctrlab_api.records import ConfidenceInterval, ReportSummary
from ctrlab_report.figures.axes import draw_x_axis
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, label_width, shorten
from ctrlab_report.formatting.number_formats import (
    MINUS,
    difference_decimals,
    format_confidence,
    format_difference,
    format_signed_interval,
    metric_name,
)

ROW_HEIGHT, TOP, MAX_NAME_LENGTH = 46, 32, 24
"""Height of a row; top of the first row, below the names of the two sides; maximum length of a row's name."""


@dataclass(frozen=True)
class ForestRow:
    """One row: a difference with three intervals."""

    name: str
    estimate: float
    decimals: int
    new_data: ConfidenceInterval | None
    """For new seeds and new test rows."""
    simultaneous: ConfidenceInterval | None
    """The wider interval that covers the whole family at once."""
    this_test_set: ConfidenceInterval | None
    """For new seeds on the same test rows."""

    @property
    def description(self) -> str:
        """The row in words, for readers who cannot see it."""
        limits = f" ({format_signed_interval(self.new_data, self.decimals)})" if self.new_data else ""
        return f"{self.name}: {format_difference(self.estimate, self.decimals)}{limits}"

    @property
    def positions(self) -> list[float]:
        """All values that the axis must cover."""
        intervals = [self.new_data, self.simultaneous, self.this_test_set]
        return [self.estimate, *(limit for one in intervals if one is not None for limit in (one.low, one.high))]


def comparison_forest_plot(summary: ReportSummary) -> Figure | None:
    """Draw the planned comparisons in the primary metric; None for an ablation, which shows drops instead."""
    comparisons = [row for row in summary.comparisons if row.role == "primary" and row.difference is not None]
    if not comparisons or summary.ablation is not None:
        return None
    rows = [
        ForestRow(
            name=f"{row.a} {MINUS} {row.b}",
            estimate=row.difference or 0.0,
            decimals=difference_decimals(row),
            new_data=row.population.interval if row.population else None,
            simultaneous=row.population.simultaneous if row.population else None,
            this_test_set=row.this_test_set.interval if row.this_test_set else None,
        )
        for row in comparisons
    ]
    metric = metric_name(summary.primary_metric)
    return forest_plot(
        "forest",
        f"Differences in {metric}",
        f"difference in {metric}",
        side_labels(higher_is_better=comparisons[0].direction == "maximize"),
        rows,
        summary.margin,
        summary.confidence,
    )


def side_labels(*, higher_is_better: bool) -> tuple[str, str]:
    """Return the labels left and right of zero, for differences written as first minus second model."""
    left, right = ("second", "first") if higher_is_better else ("first", "second")
    return f"◂ {left} model is better", f"{right} model is better ▸"


def ablation_forest_plot(summary: ReportSummary) -> Figure | None:
    """Draw the drop of each variant of an ablation, above zero if the full model is better; None without ablation."""
    if summary.ablation is None:
        return None
    comparisons = {row.a: row for row in summary.comparisons if row.role == "primary"}
    higher_is_better = any(row.direction == "maximize" for row in comparisons.values())
    seed_intervals = {
        name: row.this_test_set.interval if row.this_test_set else None for name, row in comparisons.items()
    }
    rows = [
        ForestRow(
            name=row.variant,
            estimate=row.drop,
            decimals=difference_decimals(comparisons[row.variant]),
            new_data=row.interval,
            simultaneous=row.simultaneous,
            this_test_set=_negated(seed_intervals[row.variant]) if higher_is_better else seed_intervals[row.variant],
        )
        for row in summary.ablation.rows
        if row.drop is not None
    ]
    if not rows:
        return None
    metric, full = metric_name(summary.primary_metric), shorten(summary.ablation.full_model, 12)
    difference = f"{full} {MINUS} variant" if higher_is_better else f"variant {MINUS} {full}"
    return forest_plot(
        "drops",
        f"Drop in {metric} by variant",
        f"{metric} {'lost' if higher_is_better else 'added'} by the change ({difference})",
        ("◂ variant is better", f"{full} is better ▸"),
        rows,
        summary.margin,
        summary.confidence,
    )


def _negated(interval: ConfidenceInterval | None) -> ConfidenceInterval | None:
    return interval.model_copy(update={"low": -interval.high, "high": -interval.low}) if interval else None


def forest_plot(
    name: str,
    title: str,
    axis_title: str,
    sides: tuple[str, str],
    rows: Sequence[ForestRow],
    margin: float | None,
    confidence: float,
) -> Figure:
    """Draw rows around zero; `sides` are the labels left and right of it, and a margin is drawn as a band."""
    numbers = [0.0, *(position for row in rows for position in row.positions)]
    if margin is not None:
        numbers += [-margin, margin]
    left, canvas = label_width((row.name for row in rows), MAX_NAME_LENGTH), Canvas()
    bottom = TOP + ROW_HEIGHT * len(rows)
    scale = Scale.over(numbers, left, WIDTH - 14)
    if margin is not None:
        canvas.rectangle(scale(-margin), TOP, scale(margin) - scale(-margin), bottom - TOP, "band")
    draw_x_axis(canvas, scale, TOP, bottom, axis_title, signed=True)
    canvas.line(scale(0), TOP, scale(0), bottom, "z")
    canvas.text(left, TOP - 12, sides[0], "t s")
    canvas.text(WIDTH - 14, TOP - 12, sides[1], "t s e")
    for index, row in enumerate(rows):
        _draw_row(canvas, scale, row, left, TOP + ROW_HEIGHT * (index + 0.5))
    return Figure(
        name,
        title,
        "; ".join(row.description for row in rows) + ".",
        _caption(rows, margin, format_confidence(confidence)),
        int(bottom + 46),
        canvas.body,
    )


def _caption(rows: Sequence[ForestRow], margin: float | None, confidence: str) -> str:
    sentences = [f"Thick bar: {confidence} CI for new test rows and new seeds (Obuchowski-Rockette)."]
    if any(row.simultaneous is not None and row.simultaneous != row.new_data for row in rows):
        sentences.append(f"Its whiskers: simultaneous {confidence} CI over all comparisons.")
    if any(row.this_test_set is not None for row in rows):
        sentences.append(f"Thin bar below: {confidence} CI for new seeds on this test set (paired t).")
    if margin is not None:
        sentences.append(f"Shaded: the margin of ±{margin:g}.")
    return " ".join(sentences)


def _draw_row(canvas: Canvas, scale: Scale, row: ForestRow, left: float, y: float) -> None:
    canvas.text(left - 10, y + 4, shorten(row.name, MAX_NAME_LENGTH), "t e")
    if row.simultaneous is not None:
        _draw_whiskers(canvas, scale, row.simultaneous, y - 1.5)
    if row.new_data is not None:
        width = scale(row.new_data.high) - scale(row.new_data.low)
        canvas.rectangle(scale(row.new_data.low), y - 4, width, 5, "f0")
    if row.this_test_set is not None:
        _draw_whiskers(canvas, scale, row.this_test_set, y + 10)
    canvas.marker(scale(row.estimate), y - 1.5, 2, 6, "f0", row.description)


def _draw_whiskers(canvas: Canvas, scale: Scale, interval: ConfidenceInterval, y: float) -> None:
    canvas.line(scale(interval.low), y, scale(interval.high), y, "l0")
    for limit in (interval.low, interval.high):
        canvas.line(scale(limit), y - 3, scale(limit), y + 3, "l0")
