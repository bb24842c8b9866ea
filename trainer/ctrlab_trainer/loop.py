"""Training of one model: epochs over permuted rows, judged on validation rows, until no epoch is better.

Nothing waits for the device inside an epoch: losses are added up there and read once at its end. Divergence is a
result, not an error: it is returned with what was reached before.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_contract.architectures import Architecture
from ctrlab_contract.plan import Variant
from ctrlab_contract.records import EpochRecord
from ctrlab_trainer.batches import Batch, DeviceData
from ctrlab_trainer.course import Course, Judge, TrainingResult
from ctrlab_trainer.data.encoded import EncodedSchema, EncodedSplit
from ctrlab_trainer.models import build
from ctrlab_trainer.optimisation import Optimisation
from ctrlab_trainer.seeds import PurposeSeeds

__all__ = ["TrainingResult", "TrainingStopped", "train", "training_step"]

STEPS_BETWEEN_STOP_CHECKS = 50


class TrainingStopped(Exception):
    """The caller's `stop` said so."""


def train(
    *,
    config: Architecture,
    variant: Variant,
    schema: EncodedSchema,
    train: EncodedSplit,
    valid: EncodedSplit,
    seeds: PurposeSeeds,
    device: str,
    primary_metric: str,
    metrics: tuple[str, ...],
    on_epoch: Callable[[EpochRecord], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Trains a variant with resolved parameters; equal arguments on one device and version give equal bits.

    `metrics` holds `primary_metric`. What `on_epoch` raises passes through; TrainingStopped when `stop` says so;
    InvalidSpec for parts or features that cannot be removed.
    """
    seen = schema.without(variant.unseen)
    model = build(variant, config, schema, seeds, device)
    rows, judge = DeviceData(train, seen, device), Judge(valid, seen, device, primary_metric, metrics)
    course = Course(model, config, judge, seeds, device, on_epoch)
    epoch_of = _Epoch(model, rows, course.optimisation, config, stop)
    for _ in range(config.epochs):
        began = time.perf_counter()
        course.judge_epoch(epoch_of.run(course.permutation(rows.rows)), began)
        if course.over:
            break
    return course.result()


@dataclass(frozen=True)
class _Epoch:
    """One pass over the training rows."""

    model: nn.Module
    rows: DeviceData
    optimisation: Optimisation
    config: Architecture
    stop: Callable[[], bool]

    def run(self, order: Tensor) -> float:
        """The mean loss over the rows, without penalties; not finite if any batch's was not."""
        self.model.train()
        total = torch.zeros((), dtype=torch.float64, device=self.rows.device)
        for step, batch in enumerate(self.rows.batches(order, self.config.batch_size)):
            if step % STEPS_BETWEEN_STOP_CHECKS == 0 and self.stop():
                raise TrainingStopped
            loss = training_step(self.model, batch, self.optimisation, self.config.precision)
            total += loss * len(batch.labels)
        return float(total) / self.rows.rows


def training_step(model: nn.Module, batch: Batch, optimisation: Optimisation, precision: str) -> Tensor:
    """One update of the model; its loss on the batch before the update, without penalties and without a gradient."""
    optimisation.zero_grad()
    with precision_of(batch, precision):
        logits = model(batch)
    loss = F.binary_cross_entropy_with_logits(logits.float(), batch.labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimisation.step()
    return loss.detach()


def precision_of(batch: Batch, precision: str) -> AbstractContextManager[object]:
    if batch.ids.is_cuda and precision == "bfloat16":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
