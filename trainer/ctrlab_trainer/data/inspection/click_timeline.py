"""Rows and clicks of each split over time, in bins of equal length."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.records.inspections import TimeBin
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.times.row_times import Timestamps

BINS: Final = 24

UNITS: Final = {1.0: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}
"""Units per second -> name; numbers are read in the first unit that puts all of them between EARLIEST and LATEST."""
EARLIEST, LATEST = 631_152_000, 2_524_608_000
"""1990 and 2050, in seconds since 1970."""


def click_timeline(times: Timestamps, splits: tuple[EncodedSplit, ...]) -> tuple[TimeBin, ...]:
    """Count rows and clicks per bin; `times` is [source rows], sampled negatives are left out."""
    low, high = float(times.min()), float(times.max())
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low, high])
    bins = len(edges) - 1
    rows = np.zeros((bins, len(splits)), np.int64)
    clicks = np.zeros((bins, len(splits)), np.int64)
    for index, split in enumerate(splits):
        observed = np.asarray(split.row_ids) < len(times)
        ids = np.asarray(split.row_ids)[observed]
        bin_of_row = np.clip(np.searchsorted(edges, times[ids].astype(np.float64), side="right") - 1, 0, bins - 1)
        rows[:, index] = np.bincount(bin_of_row, minlength=bins)
        clicks[:, index] = np.bincount(bin_of_row, weights=np.asarray(split.labels)[observed], minlength=bins)
    return tuple(
        TimeBin.model_validate({"begins": begins, "rows": tuple(bin_rows), "positives": tuple(bin_clicks)})
        for begins, bin_rows, bin_clicks in zip(format_times(edges[:-1]), rows.tolist(), clicks.tolist(), strict=True)
    )


def format_times(times: NDArray[np.float64]) -> list[str]:
    """Format numbers as dates if they look like times since 1970, otherwise as numbers."""
    for unit in UNITS:
        seconds = times / unit
        if seconds.min() >= EARLIEST and seconds.max() <= LATEST:
            long = float(np.ptp(seconds)) > 10 * 86_400
            pattern = "%Y-%m-%d" if long else "%Y-%m-%d %H:%M"
            return [datetime.fromtimestamp(second, UTC).strftime(pattern) for second in seconds.tolist()]
    return [f"{time:.6g}" for time in times.tolist()]
