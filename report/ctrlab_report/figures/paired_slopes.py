"""The paired figure: each seed of one model connected with the same seed of the other."""

from ctrlab_api.records import ReportSummary
from ctrlab_report.figures.axes import format_tick
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, shorten
from ctrlab_report.formatting.number_formats import format_value, metric_name

MAX_PANELS = 6
NAME_CHARACTER_WIDTH = 6.8
"""Width in units that a character of a centred name needs at least."""


def paired_slopes(summary: ReportSummary) -> Figure | None:
    """Draw each seed as a line from the reference to the other model; parallel lines mean that pairing helps."""
    metric, name = summary.primary_metric, metric_name(summary.primary_metric)
    rows = [row for row in summary.comparisons if row.role == "primary" and row.seeds][:MAX_PANELS]
    if not rows:
        return None
    by_model = {model.name: model.metrics[metric].by_seed for model in summary.models}
    panels = [
        (row, [(seed, by_model[row.b][str(seed)], by_model[row.a][str(seed)]) for seed in row.seeds]) for row in rows
    ]
    numbers = [value for _, lines in panels for _, b, a in lines for value in (a, b) if value is not None]
    left, top, height, canvas = 62, 34, 220, Canvas()
    y_scale = Scale.over(numbers, top + height, top)
    ticks = y_scale.ticks()
    for tick in ticks:
        canvas.line(left, y_scale(tick), WIDTH - 8, y_scale(tick), "g")
        canvas.text(left - 6, y_scale(tick) + 4, format_tick(tick, ticks), "t s e")
    canvas.text(4, top - 14, f"{name} on test", "t s")
    panel_width = (WIDTH - 8 - left) / len(panels)
    order = [model.name for model in summary.models]
    for index, (row, lines) in enumerate(panels):
        x_reference, x_other = left + panel_width * (index + 0.25), left + panel_width * (index + 0.75)
        for seed, reference, other in lines:
            if other is None or reference is None:
                continue
            canvas.line(x_reference, y_scale(reference), x_other, y_scale(other), "a thin")
            for x, value, model in ((x_reference, reference, row.b), (x_other, other, row.a)):
                series = order.index(model)
                label = f"{model}, seed {seed}: {format_value(value)}"
                canvas.marker(x, y_scale(value), series, 4, f"f{series % 6}", label)
        characters = int(panel_width / 2 / NAME_CHARACTER_WIDTH)
        canvas.text(x_reference, top + height + 20, shorten(row.b, characters), "t m")
        canvas.text(x_other, top + height + 20, shorten(row.a, characters), "t m")
    return Figure(
        "slopes",
        "The same seed in both models",
        "; ".join(
            f"{row.a} above {row.b} in {sum(d > 0 for d in row.differences)} of {len(row.differences)} seeds"
            for row in rows
        )
        + ".",
        "A line connects the two runs of one seed. Lines that rise or fall together mean that the seeds agree.",
        top + height + 32,
        canvas.body,
    )
