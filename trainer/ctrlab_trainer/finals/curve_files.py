"""The training curve as CSV: one row per epoch."""

import csv
import io
from collections.abc import Sequence

from ctrlab_api.records import EpochRecord


def curve_csv(curve: Sequence[EpochRecord], metrics: Sequence[str]) -> bytes:
    """Return the columns epoch, train_loss, valid_<metric>, learning_rate and seconds; undefined values are empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", "train_loss", *(f"valid_{name}" for name in metrics), "learning_rate", "seconds"])
    for epoch in curve:
        values = (epoch.valid.get(name) for name in metrics)
        writer.writerow([epoch.epoch, epoch.train_loss, *values, epoch.learning_rate, round(epoch.seconds, 3)])
    return text.getvalue().encode()
