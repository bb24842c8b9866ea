"""Figures of an inspection: rows and clicks over time, what one feature alone tells, values that train never saw."""

from ctrlab_api.records.inspections import Inspection, TimeBin
from ctrlab_report.figures.axes import draw_legend, draw_x_axis, draw_y_axis
from ctrlab_report.figures.canvas import WIDTH, Canvas, Figure, Scale, label_width, shorten
from ctrlab_report.formatting.number_formats import format_count, format_percent, format_value

PARTS = ("train", "valid", "test")
LEFT, HEIGHT, ROW = 66, 170, 24
MOST_FEATURES = 40
"""Features in a figure; the table shows them all."""


def draw_inspection_figures(found: Inspection) -> list[Figure]:
    """Every figure that has something to show."""
    drawn = (rows_over_time(found), rate_over_time(found), single_features(found), new_values(found))
    return [figure for figure in drawn if figure is not None]


def rows_over_time(found: Inspection) -> Figure | None:
    """Rows of each part in each stretch of time, one on top of the other."""
    if len(found.timeline) < 2:
        return None
    canvas = Canvas()
    top = draw_legend(canvas, PARTS, 16) + 22
    up = Scale(0, max(sum(bin.rows) for bin in found.timeline) * 1.05, top + HEIGHT, top)
    draw_y_axis(canvas, up, LEFT, WIDTH - 12, "rows")
    width = (WIDTH - 12 - LEFT) / len(found.timeline)
    for place, bin in enumerate(found.timeline):
        height = 0
        for series, rows in enumerate(bin.rows):
            if rows:
                y = up(height + rows)
                canvas.rectangle(LEFT + place * width + 1, y, width - 2, up(height) - y, f"f{series}")
                height += rows
    _moments(canvas, found.timeline, top + HEIGHT)
    together = sum(1 for bin in found.timeline if sum(1 for rows in bin.rows if rows) > 1)
    return Figure(
        "rows-over-time",
        "Rows over time",
        f"{len(found.timeline)} stretches of equal length; {together} of them hold rows of more than one part.",
        "Under a split by time the colours follow each other; where they share a stretch, train sees what happens "
        "while it is judged.",
        int(top + HEIGHT + 30),
        canvas.body,
    )


def rate_over_time(found: Inspection) -> Figure | None:
    """The share of clicks of each part in each stretch of time; none for a source of positives alone."""
    if len(found.timeline) < 2 or all(bin.positives == bin.rows for bin in found.timeline):
        return None
    canvas = Canvas()
    top = draw_legend(canvas, PARTS, 16) + 22
    rates = [
        [(place, bin.positives[part] / bin.rows[part]) for place, bin in enumerate(found.timeline) if bin.rows[part]]
        for part in range(len(PARTS))
    ]
    up = Scale.over([rate for points in rates for _, rate in points], top + HEIGHT, top)
    draw_y_axis(canvas, up, LEFT, WIDTH - 12, "share of clicks")
    width = (WIDTH - 12 - LEFT) / len(found.timeline)
    for series, points in enumerate(rates):
        line = [(LEFT + (place + 0.5) * width, up(rate)) for place, rate in points]
        if len(line) > 1:
            canvas.path(line, f"l{series}")
        for (x, y), (place, rate) in zip(line, points, strict=True):
            bin = found.timeline[place]
            said = f"{PARTS[series]} from {bin.begins}: {format_value(rate)} of {format_count(bin.rows[series])} rows"
            canvas.marker(x, y, series, 3.4, f"f{series}", said)
    _moments(canvas, found.timeline, top + HEIGHT)
    means = "; ".join(f"{part.name} {format_value(part.click_rate)}" for part in found.parts)
    return Figure(
        "clicks-over-time",
        "Share of clicks over time",
        f"On the whole: {means}.",
        "A share that moves from train to test makes a model's probabilities too high or too low there, whatever its "
        "AUC.",
        int(top + HEIGHT + 30),
        canvas.body,
    )


def single_features(found: Inspection) -> Figure | None:
    """The AUC that each feature reaches alone."""
    known = sorted(
        ((feature.auc, feature.name) for feature in found.features if feature.auc is not None), reverse=True
    )[:MOST_FEATURES]
    if not known:
        return None
    canvas, left, top = Canvas(), label_width(name for _, name in known), 12
    bottom = top + ROW * len(known)
    scale = Scale.over([0.5, 1.0, *(auc for auc, _ in known)], left, WIDTH - 12, 0.02)
    draw_x_axis(canvas, scale, top, bottom, "AUC on validation")
    for at in (0.5, 1.0):
        canvas.line(scale(at), top, scale(at), bottom, "z")
    for place, (auc, name) in enumerate(known):
        y = top + ROW * (place + 0.5)
        canvas.text(left - 10, y + 4, shorten(name, 20), "t e")
        canvas.marker(scale(auc), y, 0, 4.5, "f0", f"{name}: {format_value(auc)}")
    best, name = known[0]
    return Figure(
        "single-features",
        "What one feature alone tells",
        f"{len(known)} features; the highest is {name} with {format_value(best)}.",
        "AUC of the click rate that train has for a value. One close to 1 is nearly always a leak: a column that is "
        "filled after the click.",
        int(bottom + 46),
        canvas.body,
    )


def new_values(found: Inspection) -> Figure | None:
    """Share of rows whose value train does not know."""
    known = [
        (feature.name, feature.out_of_vocabulary_valid, feature.out_of_vocabulary_test)
        for feature in found.features
        if feature.out_of_vocabulary_valid is not None and feature.out_of_vocabulary_test is not None
    ][:MOST_FEATURES]
    if not any(valid or test for _, valid, test in known):
        return None
    canvas, left = Canvas(), label_width(name for name, _, _ in known)
    top = draw_legend(canvas, PARTS, 16) + 8
    bottom = top + ROW * len(known)
    scale = Scale.over([0.0, *(share for _, *shares in known for share in shares)], left, WIDTH - 12, 0.03)
    draw_x_axis(canvas, scale, top, bottom, "share of rows")
    for place, (name, *shares) in enumerate(known):
        y = top + ROW * (place + 0.5)
        canvas.text(left - 10, y + 4, shorten(name, 20), "t e")
        for series, share in enumerate(shares, start=1):
            canvas.marker(
                scale(share), y, series, 4.2, f"f{series}", f"{name}, {PARTS[series]}: {format_percent(share, 1)}"
            )
    said = "; ".join(
        f"{name} {format_percent(valid, 1)} and {format_percent(test, 1)}" for name, valid, test in known[:6]
    )
    return Figure(
        "new-values",
        "Values that train does not know",
        f"Shares of validation and of test: {said}.",
        "Such values share one embedding. Many of them favour models that use other features.",
        int(bottom + 46),
        canvas.body,
    )


def _moments(canvas: Canvas, timeline: tuple[TimeBin, ...], bottom: float) -> None:
    """The beginning of the first, the middle and the last stretch, below the plot."""
    width = (WIDTH - 12 - LEFT) / len(timeline)
    for place, classes in ((0, "t s"), (len(timeline) // 2, "t s m"), (len(timeline) - 1, "t s e")):
        at = LEFT + (place if place == 0 else place + 1 if place == len(timeline) - 1 else place + 0.5) * width
        canvas.text(at, bottom + 18, timeline[place].begins, classes)
