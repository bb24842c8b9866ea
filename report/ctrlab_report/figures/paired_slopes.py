"""The paired figure: each seed of one model joined to the same seed of the other."""

from ctrlab_api.records import ReportSummary
from ctrlab_report.figures.axes import format_tick
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, shorten
from ctrlab_report.formatting.number_formats import format_value, metric_name


def paired_slopes(summary: ReportSummary) -> Figure | None:
    """Each seed as a line from the reference to the other model: parallel lines mean that pairing helps."""
    metric, name = summary.primary_metric, metric_name(summary.primary_metric)
    rows = [row for row in summary.comparisons if row.role == "primary" and row.seeds][:6]
    if not rows:
        return None
    by_name = {model.name: model.metrics[metric].by_seed for model in summary.models}
    pairs = [
        (row, [(seed, by_name[row.b][str(seed)], by_name[row.a][str(seed)]) for seed in row.seeds]) for row in rows
    ]
    numbers = [v for _, lines in pairs for _, b, a in lines for v in (a, b) if v is not None]
    left, top, height, canvas = 62, 34, 220, Canvas()
    up = Scale.over(numbers, top + height, top)
    ticks = up.ticks()
    for tick in ticks:
        canvas.line(left, up(tick), WIDTH - 8, up(tick), "g")
        canvas.text(left - 6, up(tick) + 4, format_tick(tick, ticks), "t s e")
    canvas.text(4, top - 14, f"{name} on test", "t s")
    panel = (WIDTH - 8 - left) / len(pairs)
    order = [model.name for model in summary.models]
    for place, (row, lines) in enumerate(pairs):
        x1, x2 = left + panel * (place + 0.25), left + panel * (place + 0.75)
        for seed, b, a in lines:
            if a is None or b is None:
                continue
            canvas.line(x1, up(b), x2, up(a), "a thin")
            for x, found, model in ((x1, b, row.b), (x2, a, row.a)):
                series = order.index(model)
                canvas.marker(x, up(found), series, 4, f"f{series % 6}", f"{model}, seed {seed}: {format_value(found)}")
        characters = int(panel / 2 / 6.8)
        canvas.text(x1, top + height + 20, shorten(row.b, characters), "t m")
        canvas.text(x2, top + height + 20, shorten(row.a, characters), "t m")
    return Figure(
        "slopes",
        "The same seed in both models",
        "; ".join(
            f"{row.a} above {row.b} in {sum(d > 0 for d in row.differences)} of {len(row.differences)} seeds"
            for row in rows
        )
        + ".",
        "A line joins the two runs of one seed. Lines that rise or fall together mean that the seeds agree.",
        top + height + 32,
        canvas.body,
    )
