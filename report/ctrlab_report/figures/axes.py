"""Axes and legends of all figures."""

from collections.abc import Sequence
from itertools import pairwise

from ctrlab_report.figures.canvas import CHARACTER_WIDTH, WIDTH, Canvas, Scale
from ctrlab_report.formatting.number_formats import MINUS


def format_tick(value: float, ticks: Sequence[float], signed: bool = False) -> str:
    """Return the label of a tick, with the number of decimals that the distance between ticks needs."""
    step = min((abs(b - a) for a, b in pairwise(ticks)), default=abs(value) or 1.0)
    decimals = next((d for d in range(8) if abs(round(step, d) - step) < step * 1e-6), 7)
    text = f"{value:+.{decimals}f}" if signed and value else f"{value:.{decimals}f}"
    return text.replace("-", MINUS)


def draw_x_axis(
    canvas: Canvas, scale: Scale, top: float, bottom: float, title: str, signed: bool = False, target_ticks: int = 5
) -> None:
    """Draw vertical grid lines, tick labels below `bottom`, and the axis title below them."""
    ticks = scale.ticks(target_ticks)
    for tick in ticks:
        canvas.line(scale(tick), top, scale(tick), bottom, "g")
        canvas.text(scale(tick), bottom + 16, format_tick(tick, ticks, signed), "t s m")
    canvas.text((scale.start + scale.end) / 2, bottom + 34, title, "t s m")


def draw_y_axis(canvas: Canvas, scale: Scale, left: float, right: float, title: str, signed: bool = False) -> None:
    """Draw horizontal grid lines, tick labels left of `left`, and the axis title above the plot."""
    ticks = scale.ticks()
    for tick in ticks:
        canvas.line(left, scale(tick), right, scale(tick), "g")
        canvas.text(left - 6, scale(tick) + 4, format_tick(tick, ticks, signed), "t s e")
    canvas.text(4, scale.end - 14, title, "t s")


def draw_legend(canvas: Canvas, names: Sequence[str], y: float, left: float = 8) -> float:
    """Draw markers with names in as many rows as needed; return the y below them."""
    x = left
    for series, name in enumerate(names):
        width = 22 + len(name) * CHARACTER_WIDTH
        if x + width > WIDTH and x > left:
            x, y = left, y + 18
        canvas.marker(x + 5, y - 4, series, 4.5, f"f{series % 6}")
        canvas.text(x + 14, y, name)
        x += width + 10
    return y + 8
