"""Figures of the final runs: seed dots, validation against test, and the shares of the sources of variance."""

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

ROW_HEIGHT = 44
SHARE_ROW_HEIGHT = 34


def seed_dots(summary: ReportSummary) -> Figure | None:
    """Draw each seed's value on test, with the mean and its interval for new rows and new seeds."""
    metric, name = summary.primary_metric, metric_name(summary.primary_metric)
    models = [model for model in summary.models if model.metrics[metric].test is not None]
    if not models:
        return None
    numbers = [value for model in models for value in model.metrics[metric].by_seed.values() if value is not None]
    for model in models:
        if (population := model.metrics[metric].population) is not None:
            numbers += [population.interval.low, population.interval.high]
    left, top = label_width(model.name for model in models), 12
    bottom = top + ROW_HEIGHT * len(models)
    scale, canvas = Scale.over(numbers, left, WIDTH - 12), Canvas()
    draw_x_axis(canvas, scale, top, bottom, f"{name} on test")
    for index, model in enumerate(models):
        y = top + ROW_HEIGHT * (index + 0.5)
        canvas.text(left - 10, y + 4, shorten(model.name, 20), "t e")
        _draw_interval_and_dots(canvas, scale, model, metric, summary.models.index(model), y)
    means = "; ".join(_describe_mean(model, metric) for model in models)
    return Figure(
        "seeds",
        f"{name} on test by seed",
        f"Dots on one line for each model. {means}.",
        "Each small mark is one seed; the large one is the mean, and the bar its "
        f"{format_confidence(summary.confidence)} interval for new rows and new seeds (Obuchowski-Rockette).",
        int(bottom + 46),
        canvas.body,
    )


def _describe_mean(model: ModelSummary, metric: str) -> str:
    population = model.metrics[metric].population
    mean = f"{model.name} {format_mean_sd(model.metrics[metric].test)}"
    if population is None:
        return mean
    interval = population.interval
    return f"{mean}, {format_confidence(interval.confidence)} interval {format_interval(interval)}"


def _draw_interval_and_dots(
    canvas: Canvas, scale: Scale, model: ModelSummary, metric: str, series: int, y: float
) -> None:
    numbers, color = model.metrics[metric], series % 6
    if numbers.population is not None:
        interval = numbers.population.interval
        canvas.line(scale(interval.low), y + 8, scale(interval.high), y + 8, f"l{color}")
        for limit in (interval.low, interval.high):
            canvas.line(scale(limit), y + 4, scale(limit), y + 12, f"l{color}")
    for seed, value in numbers.by_seed.items():
        if value is not None:
            label = f"{model.name}, seed {seed}: {format_value(value)}"
            canvas.marker(scale(value), y - 8, series, 3.6, f"o{color}", label)
    if numbers.test is not None:
        label = f"{model.name}: mean {format_value(numbers.test.mean)}"
        canvas.marker(scale(numbers.test.mean), y + 8, series, 5.5, f"f{color}", label)


def validation_against_test(summary: ReportSummary) -> Figure | None:
    """Draw validation against test for every final run."""
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
    x_scale, y_scale = Scale.over(values, 62, WIDTH - 14), Scale.over(values, top + 300, top)
    draw_x_axis(canvas, x_scale, top, top + 300, f"{name} on validation")
    for tick in (ticks := y_scale.ticks()):
        canvas.line(62, y_scale(tick), WIDTH - 14, y_scale(tick), "g")
        canvas.text(56, y_scale(tick) + 4, format_tick(tick, ticks), "t s e")
    canvas.text(4, top - 10, f"{name} on test", "t s")
    canvas.path([(x_scale(x_scale.low), y_scale(y_scale.low)), (x_scale(x_scale.high), y_scale(y_scale.high))], "z")
    for series, model_name, seed, validation, test in points:
        label = f"{model_name}, seed {seed}: validation {format_value(validation)}, test {format_value(test)}"
        canvas.marker(x_scale(validation), y_scale(test), series, 4.5, f"o{series % 6}", label)
    gaps = "; ".join(
        f"{model.name} {format_value(model.metrics[metric].gap)}"
        for model in summary.models
        if model.metrics[metric].gap is not None
    )
    return Figure(
        "validation-test",
        f"{name} on validation against test",
        f"One mark for each run. Mean test minus validation: {gaps}.",
        "One mark for each run; on the dashed line both are equal. Below it, the run was better on validation.",
        int(top + 346),
        canvas.body,
    )


def variance_shares(summary: ReportSummary) -> Figure | None:
    """Draw, for each comparison, the shares of seeds and of the test set in the squared standard error."""
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
    bottom = top + SHARE_ROW_HEIGHT * len(rows)
    for tick in (0, 0.25, 0.5, 0.75, 1):
        canvas.line(scale(tick), top - 6, scale(tick), bottom, "g")
        canvas.text(scale(tick), bottom + 16, format_percent(tick), "t s m")
    canvas.text((left + WIDTH - 24) / 2, bottom + 34, "share of the squared standard error", "t s m")
    descriptions = []
    for index, (row, name) in enumerate(zip(rows, names, strict=True)):
        share = row.population.seed_share if row.population else 0.0
        y = top + SHARE_ROW_HEIGHT * index
        canvas.text(left - 10, y + 16, shorten(name, 24), "t e")
        canvas.rectangle(scale(0), y + 3, scale(share) - scale(0), 18, "f0")
        canvas.rectangle(scale(share), y + 3, scale(1) - scale(share), 18, "hatch")
        descriptions.append(f"{name}: seeds {format_percent(share)}, test set {format_percent(1 - share)}")
    return Figure(
        "variance",
        "Sources of variance",
        "; ".join(descriptions) + ".",
        "More seeds reduce the share of the seeds. They do not reduce the share of the test set: that takes more test "
        "rows.",
        int(bottom + 46),
        canvas.body,
    )
