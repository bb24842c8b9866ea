"""Critical-difference diagram (Demsar 2006): models on the axis of mean ranks, bars join what cannot be told apart."""

from collections.abc import Sequence

from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, shorten

ROW, LEFT, RIGHT = 24, 150, WIDTH - 150
"""Height of a model's line; the axis between the two columns of names."""


def critical_difference_diagram(
    models: Sequence[str], ranks: Sequence[float], difference: float, groups: Sequence[Sequence[int]], data_sets: int
) -> Figure:
    """`groups` hold places in `models`; rank 1, the best, is at the left."""
    canvas = Canvas()
    scale = Scale(1.0, float(len(models)), LEFT, RIGHT)
    axis = 56
    shown = min(scale(1.0 + difference), WIDTH - 10.0)
    canvas.line(LEFT, 22, shown, 22, "l0")
    canvas.text((LEFT + shown) / 2, 15, f"critical difference {difference:.2f}", "t s m")
    canvas.line(LEFT, axis, RIGHT, axis, "a")
    for rank in range(1, len(models) + 1):
        canvas.line(scale(rank), axis - 5, scale(rank), axis, "a")
        canvas.text(scale(rank), axis - 9, str(rank), "t s m")
    order = sorted(range(len(models)), key=lambda place: (ranks[place], place))
    half = (len(order) + 1) // 2
    bars = axis + 10 + 9 * len(groups)
    for bar, group in enumerate(groups):
        ends = [scale(ranks[place]) for place in group]
        y = axis + 10 + 9 * bar
        canvas.rectangle(min(ends) - 3, y - 2, max(ends) - min(ends) + 6, 4, "f0")
    for position, place in enumerate(order):
        left = position < half
        y = bars + 14 + ROW * (position if left else len(order) - 1 - position)
        x, end = scale(ranks[place]), (LEFT - 8 if left else RIGHT + 8)
        canvas.path([(x, axis), (x, y), (end, y)], "a")
        canvas.text(
            end + (-4 if left else 4), y + 4, f"{shorten(models[place], 13)} {ranks[place]:.2f}", "t e" if left else "t"
        )
    height = int(bars + 14 + ROW * half + 6)
    said = ", ".join(f"{models[place]} {ranks[place]:.2f}" for place in order)
    joined = "; ".join(" and ".join(models[place] for place in group) for group in groups) or "none"
    return Figure(
        "critical-difference",
        f"Mean ranks over {data_sets} data sets",
        f"Mean ranks: {said}. Critical difference {difference:.2f}. Not told apart: {joined}.",
        "Rank 1 is best. Models joined by a bar differ by less than the critical difference of Nemenyi's test.",
        height,
        canvas.body,
    )
