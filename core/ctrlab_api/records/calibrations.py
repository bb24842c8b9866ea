"""What `ctrlab-trainer calibrate` prints: how fast each variant runs here, measured over a few batches."""

from typing import Literal

from ctrlab_api.schema_types import ApiModel


class VariantCalibration(ApiModel):
    """One variant, with every tuned parameter in the middle of its range."""

    train_rows_per_second: float
    evaluate_rows_per_second: float
    parameters: int
    """Trainable numbers in the model."""
    epochs: int
    """The most that one training may take; early stopping usually ends before."""
    seconds_per_epoch: float
    """One pass over train and one over validation at the measured speed."""
    peak_memory_bytes: int
    """Of the process after this variant; it held every earlier one too."""


class Calibration(ApiModel):
    """All variants of a plan."""

    schema_version: Literal[1] = 1
    device: str
    threads: int
    startup_seconds: float
    """From the start of a worker's process until its data are open: imports for the most part."""
    variants: dict[str, VariantCalibration]
