"""Training of one model: epochs over permuted rows, judged on validation rows, until no epoch is better.

Nothing waits for the device inside an epoch: losses are added up there and read once at its end. Divergence is a
result, not an error: it is returned with what was reached before.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_contract.architectures import Architecture
from ctrlab_contract.metrics import DIRECTION, compute
from ctrlab_contract.plan import Variant
from ctrlab_contract.records import EpochRecord
from ctrlab_contract.tuning import MetricName
from ctrlab_trainer.batches import Batch, DeviceData
from ctrlab_trainer.data.encoded import EncodedSchema, EncodedSplit
from ctrlab_trainer.early_stopping import EarlyStopping
from ctrlab_trainer.models import build
from ctrlab_trainer.optimisation import Optimisation
from ctrlab_trainer.scoring import score
from ctrlab_trainer.seeds import PurposeSeeds

STEPS_BETWEEN_STOP_CHECKS = 50


class TrainingStopped(Exception):
    """The caller's `stop` said so."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training ended with."""

    best_epoch: int | None
    """Counted from 1; None if no epoch had a defined validation metric."""
    best_value: float | None
    """The primary metric on validation rows at the best epoch."""
    metrics_valid: dict[str, float | None]
    """Every metric at the best epoch."""
    curve: tuple[EpochRecord, ...]
    state: dict[str, Tensor] | None
    """Parameters and buffers at the best epoch, on the CPU."""
    parameters: int
    """Trainable numbers."""
    divergence: str | None
    """What was not finite, and in which epoch."""
    valid_scores: NDArray[np.float32] | None
    """[validation rows] probabilities at the best epoch."""


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
    rows, valid_rows = DeviceData(train, seen, device), DeviceData(valid, seen, device)
    optimisation = Optimisation(model, config)
    direction = DIRECTION[cast(MetricName, primary_metric)]
    if direction == "none":
        raise ValueError(f"{primary_metric} has no better and worse; it cannot be the primary metric")
    stopping = EarlyStopping(direction, config.patience)
    order = torch.Generator(device).manual_seed(seeds.order)
    epoch_of = _Epoch(model, rows, optimisation, config, stop)
    curve: list[EpochRecord] = []
    metrics_valid: dict[str, float | None] = dict.fromkeys(metrics)
    state: dict[str, Tensor] | None = None
    best_scores: NDArray[np.float32] | None = None
    divergence: str | None = None
    for epoch in range(1, config.epochs + 1):
        began, rate = time.perf_counter(), optimisation.learning_rate
        loss = epoch_of.run(torch.randperm(rows.rows, generator=order, device=device))
        scores = score(model, valid_rows) if np.isfinite(loss) else np.full(valid_rows.rows, np.nan, np.float32)
        if not np.isfinite(scores).all():
            what = "validation predictions" if np.isfinite(loss) else "the training loss"
            divergence = f"{what} not finite in epoch {epoch}"
        values = dict.fromkeys(metrics) if divergence else _metrics(metrics, valid, scores)
        improved = stopping.improves(epoch, values[primary_metric])
        if improved:
            metrics_valid, best_scores = values, scores
            state = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        curve.append(
            EpochRecord(
                epoch=epoch,
                train_loss=loss if np.isfinite(loss) else None,
                valid=values,
                learning_rate=rate,
                seconds=time.perf_counter() - began,
            )
        )
        on_epoch(curve[-1])
        if divergence or stopping.exhausted:
            break
        optimisation.end_epoch(epoch, improved)
    return TrainingResult(
        best_epoch=stopping.best_epoch,
        best_value=stopping.best_value,
        metrics_valid=metrics_valid,
        curve=tuple(curve),
        state=state,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        divergence=divergence,
        valid_scores=best_scores,
    )


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
    with _precision(batch, precision):
        logits = model(batch)
    loss = F.binary_cross_entropy_with_logits(logits.float(), batch.labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimisation.step()
    return loss.detach()


def _precision(batch: Batch, precision: str) -> AbstractContextManager[object]:
    if batch.ids.is_cuda and precision == "bfloat16":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


def _metrics(names: tuple[str, ...], valid: EncodedSplit, scores: NDArray[np.float32]) -> dict[str, float | None]:
    return compute(cast(tuple[MetricName, ...], names), np.asarray(valid.labels), scores, valid.users).values
