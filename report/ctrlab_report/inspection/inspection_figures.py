"""Figures of an inspection: rows and click rate over time, AUC of single features, values that train lacks."""

from ctrlab_api.records.inspections import Inspection, TimeBin
from ctrlab_report.figures.axes import draw_legend, draw_x_axis, draw_y_axis
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, label_width, shorten
from ctrlab_report.formatting.number_formats import format_count, format_percent, format_value

SPLITS = ("train", "valid", "test")
LEFT, RIGHT, HEIGHT = 66, WIDTH - 12, 170
"""Edges of a plot over time, and its height."""
ROW_HEIGHT = 24
MAX_FEATURES = 40
"""Maximum number of features in a figure; the table has all of them."""


def draw_inspection_figures(inspection: Inspection) -> list[Figure]:
    """Return every figure for which the inspection has data."""
    figures = (
        rows_over_time(inspection),
        click_rate_over_time(inspection),
        single_features(inspection),
        new_values(inspection),
    )
    return [figure for figure in figures if figure is not None]


def rows_over_time(inspection: Inspection) -> Figure | None:
    """Draw the rows of each split in each time bin as stacked bars."""
    if len(inspection.timeline) < 2:
        return None
    canvas = Canvas()
    top = draw_legend(canvas, SPLITS, 16) + 22
    y_scale = Scale(0, max(sum(bin.rows) for bin in inspection.timeline) * 1.05, top + HEIGHT, top)
    draw_y_axis(canvas, y_scale, LEFT, RIGHT, "rows")
    width = (RIGHT - LEFT) / len(inspection.timeline)
    for index, bin in enumerate(inspection.timeline):
        stacked = 0
        for series, rows in enumerate(bin.rows):
            if rows:
                y = y_scale(stacked + rows)
                canvas.rectangle(LEFT + index * width + 1, y, width - 2, y_scale(stacked) - y, f"f{series}")
                stacked += rows
    _draw_time_labels(canvas, inspection.timeline, top + HEIGHT)
    mixed = sum(1 for bin in inspection.timeline if sum(1 for rows in bin.rows if rows) > 1)
    return Figure(
        "rows-over-time",
        "Rows over time",
        f"{len(inspection.timeline)} time bins of equal length; {mixed} of them contain rows of more than one split.",
        "With a temporal split the colors follow each other. A bin with several colors means that the model trains "
        "on events of the same time as those that it is evaluated on.",
        int(top + HEIGHT + 30),
        canvas.body,
    )


def click_rate_over_time(inspection: Inspection) -> Figure | None:
    """Draw the click rate of each split in each time bin; None for a source that contains only clicks."""
    timeline = inspection.timeline
    if len(timeline) < 2 or all(bin.positives == bin.rows for bin in timeline):
        return None
    canvas = Canvas()
    top = draw_legend(canvas, SPLITS, 16) + 22
    rates = [
        [(index, bin.positives[split] / bin.rows[split]) for index, bin in enumerate(timeline) if bin.rows[split]]
        for split in range(len(SPLITS))
    ]
    y_scale = Scale.over([rate for points in rates for _, rate in points], top + HEIGHT, top)
    draw_y_axis(canvas, y_scale, LEFT, RIGHT, "click rate")
    width = (RIGHT - LEFT) / len(timeline)
    for series, points in enumerate(rates):
        line = [(LEFT + (index + 0.5) * width, y_scale(rate)) for index, rate in points]
        if len(line) > 1:
            canvas.path(line, f"l{series}")
        for (x, y), (index, rate) in zip(line, points, strict=True):
            bin = timeline[index]
            rows = format_count(bin.rows[series])
            label = f"{SPLITS[series]} from {bin.begins}: {format_value(rate)} of {rows} rows"
            canvas.marker(x, y, series, 3.4, f"f{series}", label)
    _draw_time_labels(canvas, timeline, top + HEIGHT)
    means = "; ".join(f"{split.name} {format_value(split.click_rate)}" for split in inspection.parts)
    return Figure(
        "clicks-over-time",
        "Click rate over time",
        f"Means: {means}.",
        "If the click rate changes from train to test, a model's probabilities are too high or too low on test, "
        "whatever its AUC.",
        int(top + HEIGHT + 30),
        canvas.body,
    )


def single_features(inspection: Inspection) -> Figure | None:
    """Draw the AUC that each feature alone reaches on the validation split, the highest first."""
    aucs = sorted(
        ((feature.auc, feature.name) for feature in inspection.features if feature.auc is not None), reverse=True
    )[:MAX_FEATURES]
    if not aucs:
        return None
    canvas, left, top = Canvas(), label_width(name for _, name in aucs), 12
    bottom = top + ROW_HEIGHT * len(aucs)
    scale = Scale.over([0.5, 1.0, *(auc for auc, _ in aucs)], left, RIGHT, 0.02)
    draw_x_axis(canvas, scale, top, bottom, "AUC on validation")
    for bound in (0.5, 1.0):
        canvas.line(scale(bound), top, scale(bound), bottom, "z")
    for index, (auc, name) in enumerate(aucs):
        y = top + ROW_HEIGHT * (index + 0.5)
        canvas.text(left - 10, y + 4, shorten(name, 20), "t e")
        canvas.marker(scale(auc), y, 0, 4.5, "f0", f"{name}: {format_value(auc)}")
    best_auc, best_name = aucs[0]
    return Figure(
        "single-features",
        "AUC of single features",
        f"{len(aucs)} features; the highest is {best_name} with {format_value(best_auc)}.",
        "AUC of the click rate that train has for each value. An AUC close to 1 is nearly always a leak: a column that "
        "is filled after the click.",
        int(bottom + 46),
        canvas.body,
    )


def new_values(inspection: Inspection) -> Figure | None:
    """Draw, for each feature, the share of rows whose value does not occur in train."""
    shares = [
        (feature.name, feature.out_of_vocabulary_valid, feature.out_of_vocabulary_test)
        for feature in inspection.features
        if feature.out_of_vocabulary_valid is not None and feature.out_of_vocabulary_test is not None
    ][:MAX_FEATURES]
    if not any(valid or test for _, valid, test in shares):
        return None
    canvas, left = Canvas(), label_width(name for name, _, _ in shares)
    top = draw_legend(canvas, SPLITS, 16) + 8
    bottom = top + ROW_HEIGHT * len(shares)
    scale = Scale.over([0.0, *(share for _, *pair in shares for share in pair)], left, RIGHT, 0.03)
    draw_x_axis(canvas, scale, top, bottom, "share of rows")
    for index, (name, *pair) in enumerate(shares):
        y = top + ROW_HEIGHT * (index + 0.5)
        canvas.text(left - 10, y + 4, shorten(name, 20), "t e")
        for series, share in enumerate(pair, start=1):
            label = f"{name}, {SPLITS[series]}: {format_percent(share, 1)}"
            canvas.marker(scale(share), y, series, 4.2, f"f{series}", label)
    listed = "; ".join(
        f"{name} {format_percent(valid, 1)} and {format_percent(test, 1)}" for name, valid, test in shares[:6]
    )
    return Figure(
        "new-values",
        "Values that do not occur in train",
        f"Shares of the validation and test rows: {listed}.",
        "All these values share one embedding. If they are frequent, models that rely on other features have an "
        "advantage.",
        int(bottom + 46),
        canvas.body,
    )


def _draw_time_labels(canvas: Canvas, timeline: tuple[TimeBin, ...], bottom: float) -> None:
    """Write the beginning of the first, the middle and the last time bin below the plot."""
    width = (RIGHT - LEFT) / len(timeline)
    middle, last = len(timeline) // 2, len(timeline) - 1
    labels = [(0, 0.0, "t s"), (last, last + 1.0, "t s e")]
    if middle < last:
        labels.append((middle, middle + 0.5, "t s m"))
    for index, position, classes in labels:
        canvas.text(LEFT + position * width, bottom + 18, timeline[index].begins, classes)
