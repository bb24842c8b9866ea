"""The output of `ctrlab-trainer calibrate`: the speed of each variant on this machine, over a few batches."""

from typing import Literal

from ctrlab_api.schema_types import ApiModel


class VariantCalibration(ApiModel):
    """The speed of one variant, with every tuned parameter in the middle of its range."""

    train_rows_per_second: float
    evaluate_rows_per_second: float
    parameters: int
    """Number of trainable parameters."""
    epochs: int
    """Maximum number of epochs of one training; early stopping usually ends before."""
    seconds_per_epoch: float
    """Duration of one pass over train and one over validation at the measured speed."""
    peak_memory_bytes: int
    """Peak memory of the process after this variant, which includes every variant before it."""


class Calibration(ApiModel):
    """The speed of all variants of a plan."""

    schema_version: Literal[1] = 1
    device: str
    threads: int
    startup_seconds: float
    """Time from the start of a worker process until its data are open, mostly imports."""
    variants: dict[str, VariantCalibration]
