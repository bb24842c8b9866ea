"""Figures with lines: reliability diagram, tuning history, learning curves."""

from ctrlab_api.records import ReportSummary
from ctrlab_report.figures.axes import draw_legend, draw_x_axis, format_tick
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale
from ctrlab_report.formatting.number_formats import format_confidence, format_count, format_value, metric_name
from ctrlab_report.inputs.report_inputs import ReportInputs

LEFT, HEIGHT = 62, 240


def reliability(summary: ReportSummary) -> Figure | None:
    """Observed against predicted click rate in bins of equal mass."""
    models = [(series, model) for series, model in enumerate(summary.models) if model.reliability]
    if not models:
        return None
    canvas = Canvas()
    top = draw_legend(canvas, [model.name for model in summary.models], 16) + 22
    values = [v for _, model in models for found in model.reliability for v in (found.predicted, found.observed)]
    across, up = Scale.over([0, *values], LEFT, WIDTH - 14, 0.03), Scale.over([0, *values], top + 300, top, 0.03)
    _grid(canvas, across, up, top, "predicted click rate", "observed click rate", 300)
    canvas.path([(across(across.low), up(up.low)), (across(across.high), up(up.high))], "z")
    for series, model in models:
        points = [(across(found.predicted), up(found.observed)) for found in model.reliability]
        canvas.path(points, f"l{series % 6}")
        for (x, y), found in zip(points, model.reliability, strict=True):
            rates = f"predicted {format_value(found.predicted)}, observed {format_value(found.observed)}"
            said = f"{model.name}: {rates}, {format_count(found.rows)} rows"
            canvas.marker(x, y, series, 3.8, f"f{series % 6}", said)
    farthest = "; ".join(
        f"{model.name} at most {max(abs(found.predicted - found.observed) for found in model.reliability):.3f} off"
        for _, model in models
    )
    return Figure(
        "reliability",
        "Calibration on test",
        f"Predicted against observed click rate in bins of equal mass, all seeds of a model pooled. {farthest}.",
        "Bins of equal mass over the pooled seeds of each model; on the dashed line predictions are right on average.",
        int(top + 346),
        canvas.body,
    )


def _series(summary: ReportSummary) -> dict[str, int]:
    """By model, which has one colour for all of its searches."""
    return {model: place for place, model in enumerate(dict.fromkeys(found.model for found in summary.tuning))}


def tuning_history(summary: ReportSummary) -> Figure | None:
    """Every trial, and the best value so far."""
    models = _series(summary)
    searches = [(models[found.model], found) for found in summary.tuning if found.history]
    if not searches:
        return None
    name = metric_name(summary.primary_metric)
    sign = -1 if any(row.direction == "minimize" for row in summary.comparisons if row.role == "primary") else 1
    canvas = Canvas()
    top = draw_legend(canvas, list(models), 16) + 22
    across = Scale.over([number for _, found in searches for number, _ in found.history], LEFT, WIDTH - 14, 0.03)
    up = Scale.over([v for _, found in searches for _, v in found.history], top + HEIGHT, top)
    _grid(canvas, across, up, top, "trial", f"{name} on validation", HEIGHT)
    for series, found in searches:
        best, steps = found.history[0][1], []
        for number, result in found.history:
            better = result if sign * result > sign * best else best
            steps += [(across(number), up(best)), (across(number), up(better))]
            best = better
            said = f"{found.name}, trial {number}: {format_value(result)}"
            canvas.marker(across(number), up(result), series, 3.2, f"o{series % 6}", said)
        canvas.path([*steps, (across(across.high), up(best))], f"l{series % 6}")
    return Figure(
        "tuning",
        "The search for hyper-parameters",
        "; ".join(
            f"{found.name}: {found.budget} trials, best {format_value(found.best_value)}" for _, found in searches
        )
        + ".",
        "Each mark is a trial, the line the best value so far. This is one search; another would look different.",
        int(top + HEIGHT + 46),
        canvas.body,
    )


def tuning_curves(summary: ReportSummary) -> Figure | None:
    """Median best of n random trials with its band; drawn where both bounds are known."""
    models = _series(summary)
    searches = [(models[found.model], found) for found in summary.tuning if found.curve]
    if not searches:
        return None
    name, canvas = metric_name(summary.primary_metric), Canvas()
    top = draw_legend(canvas, list(models), 16) + 22
    points = [point for _, found in searches for point in found.curve]
    known = [v for point in points for v in (point.value, point.low, point.high) if v is not None]
    across = Scale.over([point.trials for point in points], LEFT, WIDTH - 14, 0.03)
    up = Scale.over(known, top + HEIGHT, top)
    _grid(canvas, across, up, top, "random trials", f"best {name} on validation", HEIGHT)
    for series, found in searches:
        canvas.path([(across(point.trials), up(point.value)) for point in found.curve], f"l{series % 6}")
        for bound in ("low", "high"):
            edge = [(p.trials, v) for p in found.curve if (v := p.low if bound == "low" else p.high) is not None]
            if edge:
                canvas.path([(across(n), up(v)) for n, v in edge], f"l{series % 6} thin dash")
        last = found.curve[-1]
        canvas.marker(across(last.trials), up(last.value), series, 4, f"f{series % 6}")
    return Figure(
        "tuning-curve",
        "What another search would find",
        "; ".join(
            f"{found.name}: median best of {found.curve[-1].trials} random trials {format_value(found.curve[-1].value)}"
            for _, found in searches
        )
        + ".",
        f"Median best of n random trials, with {format_confidence(summary.confidence)} bands that hold for all n at "
        "once (dashed; "
        "from the trials that were drawn at random alone).",
        int(top + HEIGHT + 46),
        canvas.body,
    )


def learning_curves(summary: ReportSummary, inputs: ReportInputs) -> Figure | None:
    """Validation metric after each epoch of every final run, and which epoch was kept."""
    name = metric_name(summary.primary_metric)
    order = [model.name for model in summary.models]
    curves = [
        (order.index(run.variant), run.record, points)
        for run in inputs.runs
        if run.record is not None
        and (
            points := [
                (epoch.epoch, found)
                for epoch in run.record.curve
                if (found := epoch.valid.get(summary.primary_metric)) is not None
            ]
        )
    ]
    if not curves:
        return None
    canvas = Canvas()
    top = draw_legend(canvas, order, 16) + 22
    across = Scale.over([epoch for _, _, points in curves for epoch, _ in points], LEFT, WIDTH - 14, 0.03)
    up = Scale.over([found for _, _, points in curves for _, found in points], top + HEIGHT, top)
    _grid(canvas, across, up, top, "epoch", f"{name} on validation", HEIGHT)
    for series, record, points in curves:
        canvas.path([(across(epoch), up(found)) for epoch, found in points], f"l{series % 6} thin")
        for epoch, found in points:
            if epoch == record.best_epoch:
                said = f"{record.variant}, seed {record.seed}: epoch {epoch} kept, {format_value(found)}"
                canvas.marker(across(epoch), up(found), series, 4, f"f{series % 6}", said)
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


def _grid(
    canvas: Canvas, across: Scale, up: Scale, top: float, bottom_title: str, left_title: str, height: int
) -> None:
    draw_x_axis(canvas, across, top, top + height, bottom_title)
    ticks = up.ticks()
    for tick in ticks:
        canvas.line(LEFT, up(tick), WIDTH - 14, up(tick), "g")
        canvas.text(LEFT - 6, up(tick) + 4, format_tick(tick, ticks), "t s e")
    canvas.text(4, top - 10, left_title, "t s")
