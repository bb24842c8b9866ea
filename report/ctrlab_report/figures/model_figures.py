"""Figures with one row for each model: seed dots, validation against test, variance split."""

from ctrlab_api.records import ModelSummary, ReportSummary
from ctrlab_report.figures.axes import draw_legend, draw_x_axis, format_tick
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, label_width, shorten
from ctrlab_report.formatting.number_formats import (
    format_confidence,
    format_interval,
    format_mean_sd,
    format_percent,
    format_value,
    metric_name,
)

ROW = 44


def seed_dots(summary: ReportSummary) -> Figure | None:
    """Every seed's value on test, with the mean and the interval for new rows and new seeds."""
    metric, name = summary.primary_metric, metric_name(summary.primary_metric)
    models = [model for model in summary.models if model.metrics[metric].test is not None]
    if not models:
        return None
    numbers = [v for model in models for v in model.metrics[metric].by_seed.values() if v is not None]
    for model in models:
        if (both := model.metrics[metric].population) is not None:
            numbers += [both.interval.low, both.interval.high]
    left, top = label_width(model.name for model in models), 12
    bottom = top + ROW * len(models)
    scale, canvas = Scale.over(numbers, left, WIDTH - 12), Canvas()
    draw_x_axis(canvas, scale, top, bottom, f"{name} on test")
    for place, model in enumerate(models):
        y = top + ROW * (place + 0.5)
        canvas.text(left - 10, y + 4, shorten(model.name, 20), "t e")
        _interval_and_dots(canvas, scale, model, metric, summary.models.index(model), y)
    said = "; ".join(_described(model, metric) for model in models)
    return Figure(
        "seeds",
        f"{name} on test, seed by seed",
        f"Dots on one line for each model. {said}.",
        "Each small mark is one seed; the large one is the mean, and the bar its "
        f"{format_confidence(summary.confidence)} interval "
        "for new rows and new seeds (Obuchowski-Rockette).",
        int(bottom + 46),
        canvas.body,
    )


def _described(model: ModelSummary, metric: str) -> str:
    both = model.metrics[metric].population
    bounds = (
        f", {format_confidence(both.interval.confidence)} interval {format_interval(both.interval)}" if both else ""
    )
    return f"{model.name} {format_mean_sd(model.metrics[metric].test)}{bounds}"


def _interval_and_dots(canvas: Canvas, scale: Scale, model: ModelSummary, metric: str, series: int, y: float) -> None:
    numbers, colour = model.metrics[metric], series % 6
    if numbers.population is not None:
        bounds = numbers.population.interval
        canvas.line(scale(bounds.low), y + 8, scale(bounds.high), y + 8, f"l{colour}")
        for end in (bounds.low, bounds.high):
            canvas.line(scale(end), y + 4, scale(end), y + 12, f"l{colour}")
    for seed, found in numbers.by_seed.items():
        if found is not None:
            canvas.marker(
                scale(found), y - 8, series, 3.6, f"o{colour}", f"{model.name}, seed {seed}: {format_value(found)}"
            )
    if numbers.test is not None:
        canvas.marker(
            scale(numbers.test.mean),
            y + 8,
            series,
            5.5,
            f"f{colour}",
            f"{model.name}: mean {format_value(numbers.test.mean)}",
        )


def validation_against_test(summary: ReportSummary) -> Figure | None:
    """Validation and test of every run: a model far below the line looked better on validation than it is."""
    metric, name = summary.primary_metric, metric_name(summary.primary_metric)
    points = [
        (series, model.name, seed, validation, test)
        for series, model in enumerate(summary.models)
        for seed, test in model.metrics[metric].by_seed.items()
        if test is not None and (validation := model.metrics[metric].by_seed_validation.get(seed)) is not None
    ]
    if not points:
        return None
    canvas = Canvas()
    top = draw_legend(canvas, [model.name for model in summary.models], 16) + 22
    values = [number for point in points for number in point[3:]]
    across, up = Scale.over(values, 62, WIDTH - 14), Scale.over(values, top + 300, top)
    draw_x_axis(canvas, across, top, top + 300, f"{name} on validation")
    for tick in (ticks := up.ticks()):
        canvas.line(62, up(tick), WIDTH - 14, up(tick), "g")
        canvas.text(56, up(tick) + 4, format_tick(tick, ticks), "t s e")
    canvas.text(4, top - 10, f"{name} on test", "t s")
    canvas.path([(across(across.low), up(up.low)), (across(across.high), up(up.high))], "z")
    for series, model, seed, validation, test in points:
        said = f"{model}, seed {seed}: validation {format_value(validation)}, test {format_value(test)}"
        canvas.marker(across(validation), up(test), series, 4.5, f"o{series % 6}", said)
    gaps = "; ".join(
        f"{model.name} {format_value(model.metrics[metric].gap)}"
        for model in summary.models
        if model.metrics[metric].gap is not None
    )
    return Figure(
        "validation-test",
        f"{name} on validation against test",
        f"One mark for each run. Mean test minus validation: {gaps}.",
        "One mark for each run; on the dashed line both are equal. Below it, the run looked better on validation.",
        int(top + 346),
        canvas.body,
    )


def variance_split(summary: ReportSummary) -> Figure | None:
    """How much of each comparison's squared standard error more seeds would shrink."""
    rows = [row for row in summary.comparisons if row.role == "primary" and row.population is not None]
    if not rows:
        return None
    names = [f"{row.a} − {row.b}" for row in rows]
    left, top, canvas = label_width(names, 24), 34, Canvas()
    scale = Scale(0, 1, left, WIDTH - 24)
    canvas.rectangle(left, 6, 11, 11, "f0")
    canvas.text(left + 16, 16, "seeds")
    canvas.rectangle(left + 70, 6, 11, 11, "hatch")
    canvas.text(left + 86, 16, "test set")
    bottom = top + 34 * len(rows)
    for tick in (0, 0.25, 0.5, 0.75, 1):
        canvas.line(scale(tick), top - 6, scale(tick), bottom, "g")
        canvas.text(scale(tick), bottom + 16, format_percent(tick), "t s m")
    canvas.text((left + WIDTH - 24) / 2, bottom + 34, "share of the squared standard error", "t s m")
    said = []
    for place, (row, name) in enumerate(zip(rows, names, strict=True)):
        share = row.population.seed_share if row.population else 0.0
        y = top + 34 * place
        canvas.text(left - 10, y + 16, shorten(name, 24), "t e")
        canvas.rectangle(scale(0), y + 3, scale(share) - scale(0), 18, "f0")
        canvas.rectangle(scale(share), y + 3, scale(1) - scale(share), 18, "hatch")
        said.append(f"{name}: seeds {format_percent(share)}, test set {format_percent(1 - share)}")
    return Figure(
        "variance",
        "Where the uncertainty comes from",
        "; ".join(said) + ".",
        "The part from seeds shrinks with more seeds. The part from the test set does not: it needs more test rows.",
        int(bottom + 46),
        canvas.body,
    )
