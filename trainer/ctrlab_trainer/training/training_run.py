"""The state of one training between epochs: validation, the best epoch, and the end of the training.

It is separate from the loop because each seed of a batch has its own training run.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ctrlab_api.architectures import Architecture
from ctrlab_api.metrics import METRIC_DIRECTIONS, MetricName
from ctrlab_api.records import EpochRecord
from ctrlab_api.records.runs import RowPermutation, StepKind
from ctrlab_metrics.computing import compute_metrics
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.models.components.embedding_tables import row_wise_tables
from ctrlab_trainer.training import device_auc
from ctrlab_trainer.training.batches import DeviceData
from ctrlab_trainer.training.early_stopping import EarlyStopping
from ctrlab_trainer.training.optimizer import ModelOptimizer
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering, Window
from ctrlab_trainer.training.row_windows import rows_in_file_order
from ctrlab_trainer.training.scoring import probabilities


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of a training."""

    best_epoch: int | None
    """Counted from 1; None if the validation metric was undefined in every epoch."""
    best_value: float | None
    """The primary metric on the validation rows at the best epoch."""
    metrics_valid: dict[str, float | None]
    """Every metric at the best epoch."""
    curve: tuple[EpochRecord, ...]
    state: dict[str, Tensor] | None
    """Parameters and buffers at the best epoch, on the CPU."""
    parameters: int
    """Number of trainable parameters."""
    divergence: str | None
    """The value that was not finite, and its epoch."""
    valid_scores: NDArray[np.float32] | None
    """[validation rows] probabilities at the best epoch."""
    steps: StepKind = "eager"
    row_order: RowPermutation = "rows"
    row_wise_tables: tuple[str, ...] = ()


class Validator:
    """The validation rows and the metrics computed on them; ValueError if the primary metric has no direction."""

    def __init__(
        self, valid: EncodedSplit, schema: EncodedSchema, device: str, primary_metric: str, metrics: tuple[str, ...]
    ) -> None:
        self.rows = rows_in_file_order(valid, schema, device)
        self.primary_metric = primary_metric
        self.metrics = metrics
        direction = METRIC_DIRECTIONS[cast(MetricName, primary_metric)]
        if direction == "none":
            raise ValueError(f"{primary_metric} has no direction (higher or lower is better); it cannot be primary")
        self.direction = direction
        self._labels = np.asarray(valid.labels)
        self._users, self._groups = valid.users, valid.groups
        self._weights = None if valid.weights is None else np.asarray(valid.weights)

    def compute(self, device_scores: Tensor, scores: NDArray[np.float32]) -> dict[str, float | None]:
        """Return every metric of the scores, given on the device and on the host."""
        on_device: dict[str, float | None] = {}
        unweighted = self._weights is None
        if (
            unweighted
            and isinstance(self.rows, DeviceData)
            and computes_auc_on_device(self.rows.device.type, self.metrics)
        ):
            on_device = {"auc": device_auc.auc(self.rows.labels, device_scores)}
        others = cast(tuple[MetricName, ...], tuple(name for name in self.metrics if name not in on_device))
        on_host: dict[str, float | None] = {}
        if others:
            on_host = compute_metrics(others, self._labels, scores, self._users, self._weights, self._groups).values
        return {name: on_device[name] if name in on_device else on_host[name] for name in self.metrics}


def computes_auc_on_device(device: str, metrics: Sequence[str]) -> bool:
    """Whether AUC is computed on the device of the scores: a GPU sorts faster than a CPU, and the value is the same."""
    return device == "cuda" and "auc" in metrics


class TrainingRun:
    """One training between its epochs."""

    def __init__(
        self,
        model: nn.Module,
        config: Architecture,
        validator: Validator,
        seeds: PurposeSeeds,
        device: str,
        on_epoch: Callable[[EpochRecord], None],
        ordering: RowOrdering,
    ) -> None:
        self.model = model
        self.optimizer = ModelOptimizer(model, config)
        self._validator = validator
        self._on_epoch = on_epoch
        self._early_stopping = EarlyStopping(validator.direction, config.patience)
        self._ordering = ordering
        self._generator = torch.Generator(device).manual_seed(seeds.order)
        self._curve: list[EpochRecord] = []
        self._metrics_valid: dict[str, float | None] = dict.fromkeys(validator.metrics)
        self._state: dict[str, Tensor] | None = None
        self._scores: NDArray[np.float32] | None = None
        self._divergence: str | None = None

    @property
    def finished(self) -> bool:
        """Whether patience is exhausted or the training has diverged."""
        return self._divergence is not None or self._early_stopping.exhausted

    def windows(self) -> Iterator[Window]:
        """Yield the rows of the next epoch in their order."""
        return self._ordering.windows(self._generator)

    def end_epoch(self, loss: float, began: float) -> None:
        """Validate an epoch that began at `began` (perf_counter) and had this mean loss.

        Exceptions of `on_epoch` propagate.
        """
        epoch, learning_rate, validator = len(self._curve) + 1, self.optimizer.learning_rate, self._validator
        finite = np.isfinite(loss)
        rows = validator.rows
        device_scores = probabilities(self.model, rows) if finite else torch.full((rows.rows,), torch.nan)
        scores = device_scores.cpu().numpy()
        if not np.isfinite(scores).all():
            value = "validation predictions" if finite else "the training loss"
            self._divergence = f"{value} not finite in epoch {epoch}"
        metrics = dict.fromkeys(validator.metrics) if self._divergence else validator.compute(device_scores, scores)
        improved = self._early_stopping.improves(epoch, metrics[validator.primary_metric])
        if improved:
            self._metrics_valid, self._scores = metrics, scores
            self._state = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
        self._curve.append(
            EpochRecord(
                epoch=epoch,
                train_loss=loss if finite else None,
                valid=metrics,
                learning_rate=learning_rate,
                seconds=time.perf_counter() - began,
            )
        )
        self._on_epoch(self._curve[-1])
        if not self.finished:
            self.optimizer.end_epoch(epoch, improved)

    def result(self, steps: StepKind = "eager") -> TrainingResult:
        """Return the outcome; `steps` is the kind of execution of the training steps."""
        return TrainingResult(
            best_epoch=self._early_stopping.best_epoch,
            best_value=self._early_stopping.best_value,
            metrics_valid=self._metrics_valid,
            curve=tuple(self._curve),
            state=self._state,
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
            divergence=self._divergence,
            valid_scores=self._scores,
            steps=steps,
            row_order=self._ordering.permutation,
            row_wise_tables=tuple(row_wise_tables(self.model)),
        )
