"""Forest plots: differences of two models, or of an ablation what each change costs, with the margin band."""

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

ROW, TOP, LONGEST = 46, 32, 24
"""Height of a row; where the rows begin, below the words that name the two sides; characters of a row's name."""


@dataclass(frozen=True)
class ForestRow:
    """One row: a difference with the interval for new data, the wider one of the family, and the one for these rows."""

    name: str
    estimate: float
    digits: int
    new_data: ConfidenceInterval | None
    together: ConfidenceInterval | None
    these_rows: ConfidenceInterval | None

    @property
    def said(self) -> str:
        """For somebody who cannot see it."""
        bounds = f" ({format_signed_interval(self.new_data, self.digits)})" if self.new_data else ""
        return f"{self.name}: {format_difference(self.estimate, self.digits)}{bounds}"

    @property
    def ends(self) -> list[float]:
        """Everything that the axis has to cover."""
        known = [one for one in (self.new_data, self.together, self.these_rows) if one is not None]
        return [self.estimate, *(end for one in known for end in (one.low, one.high))]


def comparison_forest_plot(summary: ReportSummary) -> Figure | None:
    """The planned comparisons in the primary metric; None for an ablation, which shows drops instead."""
    rows = [row for row in summary.comparisons if row.role == "primary" and row.difference is not None]
    if not rows or summary.ablation is not None:
        return None
    bars = [
        ForestRow(
            f"{row.a} {MINUS} {row.b}",
            row.difference or 0.0,
            difference_decimals(row),
            row.population.interval if row.population else None,
            row.population.simultaneous if row.population else None,
            row.this_test_set.interval if row.this_test_set else None,
        )
        for row in rows
    ]
    name = metric_name(summary.primary_metric)
    first, second = ("second", "first") if rows[0].direction == "maximize" else ("first", "second")
    return forest_plot(
        "forest",
        f"Differences in {name}",
        f"difference in {name}",
        (f"◂ {first} named is better", f"{second} named is better ▸"),
        bars,
        summary.margin,
        summary.confidence,
    )


def ablation_forest_plot(summary: ReportSummary) -> Figure | None:
    """Of an ablation: what each change costs the full model, above zero where the full model is better."""
    if summary.ablation is None:
        return None
    primary = {row.a: row for row in summary.comparisons if row.role == "primary"}
    maximized = any(row.direction == "maximize" for row in primary.values())
    here = {name: row.this_test_set.interval if row.this_test_set else None for name, row in primary.items()}
    bars = [
        ForestRow(
            row.variant,
            row.drop,
            difference_decimals(primary[row.variant]),
            row.interval,
            row.simultaneous,
            _turned(here[row.variant]) if maximized else here[row.variant],
        )
        for row in summary.ablation.rows
        if row.drop is not None
    ]
    if not bars:
        return None
    name, full = metric_name(summary.primary_metric), shorten(summary.ablation.full_model, 12)
    meaning = f"{full} {MINUS} variant" if maximized else f"variant {MINUS} {full}"
    return forest_plot(
        "drops",
        f"What each change costs in {name}",
        f"{name} {'lost' if maximized else 'added'} by the change ({meaning})",
        ("◂ better with the change", f"{full} is better ▸"),
        bars,
        summary.margin,
        summary.confidence,
    )


def _turned(bounds: ConfidenceInterval | None) -> ConfidenceInterval | None:
    return bounds.model_copy(update={"low": -bounds.high, "high": -bounds.low}) if bounds else None


def forest_plot(
    name: str,
    title: str,
    axis: str,
    sides: tuple[str, str],
    bars: Sequence[ForestRow],
    margin: float | None,
    confidence_level: float,
) -> Figure:
    """`sides` are the words left and right of zero; the margin is drawn as a band, where there is one."""
    numbers = [0.0, *(end for bar in bars for end in bar.ends)]
    if margin is not None:
        numbers += [-margin, margin]
    left, canvas = label_width((bar.name for bar in bars), LONGEST), Canvas()
    bottom = TOP + ROW * len(bars)
    scale = Scale.over(numbers, left, WIDTH - 14)
    if margin is not None:
        canvas.rectangle(scale(-margin), TOP, scale(margin) - scale(-margin), bottom - TOP, "band")
    draw_x_axis(canvas, scale, TOP, bottom, axis, signed=True)
    canvas.line(scale(0), TOP, scale(0), bottom, "z")
    canvas.text(left, TOP - 12, sides[0], "t s")
    canvas.text(WIDTH - 14, TOP - 12, sides[1], "t s e")
    for place, bar in enumerate(bars):
        _draw(canvas, scale, bar, left, TOP + ROW * (place + 0.5))
    confidence = format_confidence(confidence_level)
    wide = any(bar.together is not None and bar.together != bar.new_data for bar in bars)
    caption = f"Thick bar: {confidence} CI for new rows and new seeds (Obuchowski-Rockette)"
    caption += f"; its whiskers hold for all rows at once with {confidence} confidence. " if wide else ". "
    if any(bar.these_rows is not None for bar in bars):
        caption += f"Thin bar below: {confidence} CI on this test set only (paired t). "
    if margin is not None:
        caption += f"Shaded: the margin of ±{margin:g}."
    alt = "; ".join(bar.said for bar in bars) + "."
    return Figure(name, title, alt, caption.strip(), int(bottom + 46), canvas.body)


def _draw(canvas: Canvas, scale: Scale, bar: ForestRow, left: float, y: float) -> None:
    canvas.text(left - 10, y + 4, shorten(bar.name, LONGEST), "t e")
    if bar.together is not None:
        _whiskers(canvas, scale, bar.together, y - 1.5)
    if bar.new_data is not None:
        width = scale(bar.new_data.high) - scale(bar.new_data.low)
        canvas.rectangle(scale(bar.new_data.low), y - 4, width, 5, "f0")
    if bar.these_rows is not None:
        _whiskers(canvas, scale, bar.these_rows, y + 10)
    canvas.marker(scale(bar.estimate), y - 1.5, 2, 6, "f0", bar.said)


def _whiskers(canvas: Canvas, scale: Scale, bounds: ConfidenceInterval, y: float) -> None:
    canvas.line(scale(bounds.low), y, scale(bounds.high), y, "l0")
    for end in (bounds.low, bounds.high):
        canvas.line(scale(end), y - 3, scale(end), y + 3, "l0")
