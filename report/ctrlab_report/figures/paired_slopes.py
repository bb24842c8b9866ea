"""The paired figure: each replicate of one model connected with the same replicate of the other.

The replicates are the seeds, or with several studies per model the means over the runs of each study.
"""

from statistics import fmean

from ctrlab_api.plan import Plan
from ctrlab_api.records import ModelSummary, ReportSummary
from ctrlab_report.figures.axes import format_tick
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, shorten
from ctrlab_report.formatting.number_formats import format_value, metric_name

MAX_PANELS = 6
NAME_CHARACTER_WIDTH = 6.8
"""Width in units that a character of a centered name needs at least."""
LEFT, TOP, HEIGHT = 62, 34, 220


def paired_slopes(summary: ReportSummary, plan: Plan) -> Figure | None:
    """Draw each replicate as a line from the reference to the other model; parallel lines mean that pairing helps."""
    metric = summary.primary_metric
    rows = [row for row in summary.comparisons if row.role == "primary" and row.seeds][:MAX_PANELS]
    if not rows:
        return None
    by_model = {model.name: _values_by_replicate(model, metric, plan) for model in summary.models}
    values = [by_model[model][key] for row in rows for model in (row.b, row.a) for key in row.seeds]
    canvas, y_scale = Canvas(), Scale.over(values, TOP + HEIGHT, TOP)
    ticks = y_scale.ticks()
    for tick in ticks:
        canvas.line(LEFT, y_scale(tick), WIDTH - 8, y_scale(tick), "g")
        canvas.text(LEFT - 6, y_scale(tick) + 4, format_tick(tick, ticks), "t s e")
    canvas.text(4, TOP - 14, f"{metric_name(metric)} on test", "t s")
    panel_width = (WIDTH - 8 - LEFT) / len(rows)
    order = [model.name for model in summary.models]
    searched = plan.tuning.study_count > 1
    for index, row in enumerate(rows):
        x_reference, x_other = LEFT + panel_width * (index + 0.25), LEFT + panel_width * (index + 0.75)
        for key in row.seeds:
            reference, other = by_model[row.b][key], by_model[row.a][key]
            canvas.line(x_reference, y_scale(reference), x_other, y_scale(other), "a thin")
            replicate = f"study {plan.study_of(key) + 1}" if searched else f"seed {key}"
            for x, value, model in ((x_reference, reference, row.b), (x_other, other, row.a)):
                series = order.index(model)
                label = f"{model}, {replicate}: {format_value(value)}"
                canvas.marker(x, y_scale(value), series, 4, f"f{series % 6}", label)
        characters = int(panel_width / 2 / NAME_CHARACTER_WIDTH)
        canvas.text(x_reference, TOP + HEIGHT + 20, shorten(row.b, characters), "t m")
        canvas.text(x_other, TOP + HEIGHT + 20, shorten(row.a, characters), "t m")
    unit, units = ("study", "studies") if searched else ("seed", "seeds")
    connected = "the means over the runs of one study" if searched else "the two runs of one seed"
    return Figure(
        "slopes",
        f"The same {unit} in both models",
        "; ".join(
            f"{row.a} above {row.b} in {sum(d > 0 for d in row.differences)} of {len(row.differences)} {units}"
            for row in rows
        )
        + ".",
        f"A line connects {connected}. Lines that rise or fall together mean that the {units} agree.",
        TOP + HEIGHT + 32,
        canvas.body,
    )


def _values_by_replicate(model: ModelSummary, metric: str, plan: Plan) -> dict[int, float]:
    """Return the value of each replicate by its key in `ComparisonSummary.seeds`: its seed, or its study's first."""
    values: dict[int, list[float]] = {}
    for seed, value in model.metrics[metric].by_seed.items():
        if value is not None:
            key = plan.evaluation.seeds.base + plan.study_of(int(seed)) if plan.tuning.study_count > 1 else int(seed)
            values.setdefault(key, []).append(value)
    return {key: fmean(runs) for key, runs in values.items()}
