"""Critical-difference diagram (Demsar 2006): models by mean rank; bars join models without a significant difference."""

from collections.abc import Sequence

from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, shorten

ROW_HEIGHT, LEFT, RIGHT = 24, 150, WIDTH - 150
"""Height of a model's row; ends of the axis between the two columns of names."""
AXIS = 56
"""y of the axis."""


def critical_difference_diagram(
    models: Sequence[str], ranks: Sequence[float], difference: float, groups: Sequence[Sequence[int]], data_sets: int
) -> Figure:
    """Draw the diagram; `groups` contain indices into `models`, and rank 1, the best, is at the left."""
    canvas = Canvas()
    scale = Scale(1.0, float(len(models)), LEFT, RIGHT)
    difference_end = min(scale(1.0 + difference), WIDTH - 10.0)
    canvas.line(LEFT, 22, difference_end, 22, "l0")
    canvas.text((LEFT + difference_end) / 2, 15, f"critical difference {difference:.2f}", "t s m")
    canvas.line(LEFT, AXIS, RIGHT, AXIS, "a")
    for rank in range(1, len(models) + 1):
        canvas.line(scale(rank), AXIS - 5, scale(rank), AXIS, "a")
        canvas.text(scale(rank), AXIS - 9, str(rank), "t s m")
    for position, group in enumerate(groups):
        ends = [scale(ranks[model]) for model in group]
        y = AXIS + 10 + 9 * position
        canvas.rectangle(min(ends) - 3, y - 2, max(ends) - min(ends) + 6, 4, "f0")
    order = sorted(range(len(models)), key=lambda model: (ranks[model], model))
    half = (len(order) + 1) // 2
    names_top = AXIS + 10 + 9 * len(groups) + 14
    for position, model in enumerate(order):
        is_left = position < half
        y = names_top + ROW_HEIGHT * (position if is_left else len(order) - 1 - position)
        x, end = scale(ranks[model]), (LEFT - 8 if is_left else RIGHT + 8)
        canvas.path([(x, AXIS), (x, y), (end, y)], "a")
        label = f"{shorten(models[model], 13)} {ranks[model]:.2f}"
        canvas.text(end + (-4 if is_left else 4), y + 4, label, "t e" if is_left else "t")
    mean_ranks = ", ".join(f"{models[model]} {ranks[model]:.2f}" for model in order)
    joined = "; ".join(" and ".join(models[model] for model in group) for group in groups) or "none"
    return Figure(
        "critical-difference",
        f"Mean ranks over {data_sets} data sets",
        f"Mean ranks: {mean_ranks}. Critical difference {difference:.2f}. Not significantly different: {joined}.",
        "Rank 1 is best. Models joined by a bar differ by less than the critical difference of Nemenyi's test.",
        int(names_top + ROW_HEIGHT * half + 6),
        canvas.body,
    )
