"""Rows and clicks of each part over time, in bins of equal length."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.records.inspections import TimeBin
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.splitting.split_strategies import Timestamps

BINS: Final = 24

UNITS: Final = {1.0: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}
"""Parts of a second that whole numbers are read as, if all of them then lie between these moments."""
EARLIEST, LATEST = 631_152_000, 2_524_608_000
"""1990 and 2050, in seconds since 1970."""


def click_timeline(when: Timestamps, parts: tuple[EncodedSplit, ...]) -> tuple[TimeBin, ...]:
    """`when` is [rows] of the source; drawn negatives are left out."""
    low, high = float(when.min()), float(when.max())
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low, high])
    bins = len(edges) - 1
    rows = np.zeros((bins, len(parts)), np.int64)
    clicks = np.zeros((bins, len(parts)), np.int64)
    for part, split in enumerate(parts):
        observed = np.asarray(split.row_ids) < len(when)
        ids = np.asarray(split.row_ids)[observed]
        place = np.clip(np.searchsorted(edges, when[ids].astype(np.float64), side="right") - 1, 0, bins - 1)
        rows[:, part] = np.bincount(place, minlength=bins)
        clicks[:, part] = np.bincount(place, weights=np.asarray(split.labels)[observed], minlength=bins)
    names = format_times(edges[:-1])
    return tuple(
        TimeBin.model_validate({"begins": name, "rows": tuple(found), "positives": tuple(positive)})
        for name, found, positive in zip(names, rows.tolist(), clicks.tolist(), strict=True)
    )


def format_times(moments: NDArray[np.float64]) -> list[str]:
    """Dates where the numbers look like times since 1970, otherwise the numbers."""
    for unit in UNITS:
        seconds = moments / unit
        if seconds.min() >= EARLIEST and seconds.max() <= LATEST:
            long = float(np.ptp(seconds)) > 10 * 86_400
            form = "%Y-%m-%d" if long else "%Y-%m-%d %H:%M"
            return [datetime.fromtimestamp(second, UTC).strftime(form) for second in seconds.tolist()]
    return [f"{moment:.6g}" for moment in moments.tolist()]
