"""Figures of comparisons: forest plot with the margin band, paired slopes."""

from ctrlab_contract.records import ComparisonSummary, ReportSummary
from ctrlab_report.figures.axes import horizontal, tick_text
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, gutter, shorten
from ctrlab_report.wording import difference, level, metric_name, signed_interval, value

ROW = 46


def forest(summary: ReportSummary) -> Figure | None:
    """Differences of the primary metric with both intervals, zero, and the margin band."""
    rows = [row for row in summary.comparisons if row.role == "primary" and row.difference is not None]
    if not rows:
        return None
    names = [f"{row.a} − {row.b}" for row in rows]
    name = metric_name(summary.primary_metric)
    numbers = [0.0, *(end for row in rows for end in _ends(row))]
    if summary.margin is not None:
        numbers += [-summary.margin, summary.margin]
    left, top, canvas = gutter(names, 24), 14, Canvas()
    bottom = top + ROW * len(rows)
    scale = Scale.over(numbers, left, WIDTH - 14)
    if summary.margin is not None:
        start = scale(-summary.margin)
        canvas.rectangle(start, top, scale(summary.margin) - start, bottom - top, "band")
    better = "right" if rows[0].direction == "maximize" else "left"
    horizontal(canvas, scale, top, bottom, f"difference in {name} (better to the {better})", signed=True)
    canvas.line(scale(0), top, scale(0), bottom, "z")
    for place, (row, pair) in enumerate(zip(rows, names, strict=True)):
        _pair(canvas, scale, row, pair, left, top + ROW * (place + 0.5))
    said = "; ".join(
        f"{pair}: {difference(row.difference)}"
        + (f" ({signed_interval(row.population.interval)})" if row.population else "")
        for row, pair in zip(rows, names, strict=True)
    )
    band = f" The shaded band is the margin of ±{summary.margin:g}." if summary.margin is not None else ""
    return Figure(
        "forest",
        f"Differences in {name}",
        f"{said}.{band}",
        f"Thick bar: {level(summary.confidence)} CI for new rows and new seeds (Obuchowski-Rockette). Thin bar below: "
        f"{level(summary.confidence)} CI on this test set only (paired t).{band}",
        int(bottom + 46),
        canvas.body,
    )


def _ends(row: ComparisonSummary) -> list[float]:
    bounds = [
        row.population.interval if row.population else None,
        row.this_test_set.interval if row.this_test_set else None,
    ]
    found = [end for bound in bounds if bound is not None for end in (bound.low, bound.high)]
    return found or [row.difference or 0.0]


def _pair(canvas: Canvas, scale: Scale, row: ComparisonSummary, pair: str, left: float, y: float) -> None:
    canvas.text(left - 10, y + 4, shorten(pair, 24), "t e")
    said = f"{pair}: {difference(row.difference)}"
    if row.population is not None:
        bounds = row.population.interval
        canvas.rectangle(scale(bounds.low), y - 4, scale(bounds.high) - scale(bounds.low), 5, "f0")
    if row.this_test_set is not None and row.this_test_set.interval is not None:
        bounds = row.this_test_set.interval
        canvas.line(scale(bounds.low), y + 10, scale(bounds.high), y + 10, "l0")
        for end in (bounds.low, bounds.high):
            canvas.line(scale(end), y + 7, scale(end), y + 13, "l0")
    canvas.marker(scale(row.difference or 0.0), y - 1.5, 2, 6, "f0", said)


def slopes(summary: ReportSummary) -> Figure | None:
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
        canvas.text(left - 6, up(tick) + 4, tick_text(tick, ticks), "t s e")
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
                canvas.marker(x, up(found), series, 4, f"f{series % 6}", f"{model}, seed {seed}: {value(found)}")
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
