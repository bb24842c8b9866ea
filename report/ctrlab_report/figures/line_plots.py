"""Figures with lines: reliability diagram, tuning history, tuning curves, learning curves."""

from ctrlab_api.records import ReportSummary
from ctrlab_report.figures.axes import draw_legend, draw_x_axis, format_tick
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale
from ctrlab_report.formatting.number_formats import format_confidence, format_count, format_value, metric_name
from ctrlab_report.inputs.report_inputs import ReportInputs

LEFT, RIGHT, HEIGHT = 62, WIDTH - 14, 240
SQUARE_HEIGHT = 300


def reliability_diagram(summary: ReportSummary) -> Figure | None:
    """Draw the observed against the predicted click rate in bins of equal mass."""
    models = [(series, model) for series, model in enumerate(summary.models) if model.reliability]
    if not models:
        return None
    canvas = Canvas()
    top = draw_legend(canvas, [model.name for model in summary.models], 16) + 22
    rates = [0.0, *(rate for _, model in models for bin in model.reliability for rate in (bin.predicted, bin.observed))]
    x_scale, y_scale = Scale.over(rates, LEFT, RIGHT, 0.03), Scale.over(rates, top + SQUARE_HEIGHT, top, 0.03)
    _draw_grid(canvas, x_scale, y_scale, top, "predicted click rate", "observed click rate", SQUARE_HEIGHT)
    canvas.path([(x_scale(x_scale.low), y_scale(y_scale.low)), (x_scale(x_scale.high), y_scale(y_scale.high))], "z")
    for series, model in models:
        points = [(x_scale(bin.predicted), y_scale(bin.observed)) for bin in model.reliability]
        canvas.path(points, f"l{series % 6}")
        for (x, y), bin in zip(points, model.reliability, strict=True):
            values = f"predicted {format_value(bin.predicted)}, observed {format_value(bin.observed)}"
            label = f"{model.name}: {values}, {format_count(bin.rows)} rows"
            canvas.marker(x, y, series, 3.8, f"f{series % 6}", label)
    largest_errors = "; ".join(
        f"{model.name} {max(abs(bin.predicted - bin.observed) for bin in model.reliability):.3f}" for _, model in models
    )
    return Figure(
        "reliability",
        "Calibration on test",
        "Predicted against observed click rate in bins of equal mass, all seeds of a model pooled. Largest distance "
        f"between the two: {largest_errors}.",
        "Bins of equal mass over the pooled seeds of each model; on the dashed line predictions are right on average.",
        int(top + SQUARE_HEIGHT + 46),
        canvas.body,
    )


def _series_by_model(summary: ReportSummary) -> dict[str, int]:
    """Return the series of each tuned model; all studies of a model have the same color."""
    return {model: series for series, model in enumerate(dict.fromkeys(study.model for study in summary.tuning))}


def tuning_history(summary: ReportSummary) -> Figure | None:
    """Draw every trial, and the best value so far."""
    series_by_model = _series_by_model(summary)
    studies = [(series_by_model[study.model], study) for study in summary.tuning if study.history]
    if not studies:
        return None
    name = metric_name(summary.primary_metric)
    sign = -1 if any(row.direction == "minimize" for row in summary.comparisons if row.role == "primary") else 1
    canvas = Canvas()
    top = draw_legend(canvas, list(series_by_model), 16) + 22
    x_scale = Scale.over([number for _, study in studies for number, _ in study.history], LEFT, RIGHT, 0.03)
    y_scale = Scale.over([value for _, study in studies for _, value in study.history], top + HEIGHT, top)
    _draw_grid(canvas, x_scale, y_scale, top, "trial", f"{name} on validation", HEIGHT)
    for series, study in studies:
        best, steps = study.history[0][1], []
        for number, value in study.history:
            new_best = value if sign * value > sign * best else best
            steps += [(x_scale(number), y_scale(best)), (x_scale(number), y_scale(new_best))]
            best = new_best
            label = f"{study.name}, trial {number}: {format_value(value)}"
            canvas.marker(x_scale(number), y_scale(value), series, 3.2, f"o{series % 6}", label)
        canvas.path([*steps, (x_scale(x_scale.high), y_scale(best))], f"l{series % 6}")
    bests = "; ".join(
        f"{study.name}: {study.budget} trials, best {format_value(study.best_value)}" for _, study in studies
    )
    return Figure(
        "tuning",
        "Trials of the hyperparameter search",
        f"{bests}.",
        "Each mark is a trial, the line is the best value so far. A repeated search would draw other trials.",
        int(top + HEIGHT + 46),
        canvas.body,
    )


def tuning_curves(summary: ReportSummary) -> Figure | None:
    """Draw the median best of n random trials with its band, for studies with a tuning curve."""
    series_by_model = _series_by_model(summary)
    studies = [(series_by_model[study.model], study) for study in summary.tuning if study.curve]
    if not studies:
        return None
    name, canvas = metric_name(summary.primary_metric), Canvas()
    top = draw_legend(canvas, list(series_by_model), 16) + 22
    points = [point for _, study in studies for point in study.curve]
    values = [value for point in points for value in (point.value, point.low, point.high) if value is not None]
    x_scale = Scale.over([point.trials for point in points], LEFT, RIGHT, 0.03)
    y_scale = Scale.over(values, top + HEIGHT, top)
    _draw_grid(canvas, x_scale, y_scale, top, "random trials", f"best {name} on validation", HEIGHT)
    for series, study in studies:
        canvas.path([(x_scale(point.trials), y_scale(point.value)) for point in study.curve], f"l{series % 6}")
        lower = [(point.trials, point.low) for point in study.curve if point.low is not None]
        upper = [(point.trials, point.high) for point in study.curve if point.high is not None]
        for bound in (lower, upper):
            if bound:
                canvas.path([(x_scale(n), y_scale(value)) for n, value in bound], f"l{series % 6} thin dash")
        last = study.curve[-1]
        canvas.marker(x_scale(last.trials), y_scale(last.value), series, 4, f"f{series % 6}")
    medians = "; ".join(
        f"{study.name}: median best of {study.curve[-1].trials} random trials {format_value(study.curve[-1].value)}"
        for _, study in studies
    )
    return Figure(
        "tuning-curve",
        "Tuning curves",
        f"{medians}.",
        f"Median best of n random trials, with {format_confidence(summary.confidence)} bands that hold simultaneously "
        "for all n (dashed; estimated from the randomly drawn trials only).",
        int(top + HEIGHT + 46),
        canvas.body,
    )


def learning_curves(summary: ReportSummary, inputs: ReportInputs) -> Figure | None:
    """Draw the validation metric after each epoch of every final run, and mark the epoch that was kept."""
    name = metric_name(summary.primary_metric)
    order = [model.name for model in summary.models]
    curves = [
        (order.index(run.variant), run.record, points)
        for run in inputs.runs
        if run.record is not None
        and (
            points := [
                (epoch.epoch, value)
                for epoch in run.record.curve
                if (value := epoch.valid.get(summary.primary_metric)) is not None
            ]
        )
    ]
    if not curves:
        return None
    canvas = Canvas()
    top = draw_legend(canvas, order, 16) + 22
    x_scale = Scale.over([epoch for _, _, points in curves for epoch, _ in points], LEFT, RIGHT, 0.03)
    y_scale = Scale.over([value for _, _, points in curves for _, value in points], top + HEIGHT, top)
    _draw_grid(canvas, x_scale, y_scale, top, "epoch", f"{name} on validation", HEIGHT)
    for series, record, points in curves:
        canvas.path([(x_scale(epoch), y_scale(value)) for epoch, value in points], f"l{series % 6} thin")
        for epoch, value in points:
            if epoch == record.best_epoch:
                label = f"{record.variant}, seed {record.seed}: epoch {epoch} kept, {format_value(value)}"
                canvas.marker(x_scale(epoch), y_scale(value), series, 4, f"f{series % 6}", label)
    epochs = [record.best_epoch for _, record, _ in curves if record.best_epoch is not None]
    kept = f"The kept epoch is between {min(epochs)} and {max(epochs)}." if epochs else "No epoch was kept."
    return Figure(
        "curves",
        "Learning curves of the final runs",
        f"{len(curves)} runs. {kept}",
        "One line for each seed; the mark is the epoch whose checkpoint was evaluated on test.",
        int(top + HEIGHT + 46),
        canvas.body,
    )


def _draw_grid(
    canvas: Canvas, x_scale: Scale, y_scale: Scale, top: float, x_title: str, y_title: str, height: int
) -> None:
    draw_x_axis(canvas, x_scale, top, top + height, x_title)
    ticks = y_scale.ticks()
    for tick in ticks:
        canvas.line(LEFT, y_scale(tick), RIGHT, y_scale(tick), "g")
        canvas.text(LEFT - 6, y_scale(tick) + 4, format_tick(tick, ticks), "t s e")
    canvas.text(4, top - 10, y_title, "t s")
