"""The course of one training, epoch after epoch: judged on validation rows, best epoch kept, over when none is better.

Apart from the loop, because seeds that are trained in one batch have a course each.
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
    steps: StepKind = "eager"
    row_order: RowPermutation = "rows"
    row_wise_tables: tuple[str, ...] = ()


class Validator:
    """Validation rows, and the metrics that are computed of them; ValueError for a metric without direction."""

    def __init__(
        self, valid: EncodedSplit, seen: EncodedSchema, device: str, primary: str, metrics: tuple[str, ...]
    ) -> None:
        self.rows = rows_in_file_order(valid, seen, device)
        self.primary = primary
        self.names = metrics
        direction = METRIC_DIRECTIONS[cast(MetricName, primary)]
        if direction == "none":
            raise ValueError(f"{primary} has no better and worse; it cannot be the primary metric")
        self.direction = direction
        self._labels = np.asarray(valid.labels)
        self._users = valid.users

    def metrics(self, found: Tensor, scores: NDArray[np.float32]) -> dict[str, float | None]:
        """Every metric of these scores, which are given on the device and on the host."""
        there: dict[str, float | None] = {}
        if isinstance(self.rows, DeviceData) and computes_auc_on_device(self.rows.device.type, self.names):
            there = {"auc": device_auc.auc(self.rows.labels, found)}
        rest = cast(tuple[MetricName, ...], tuple(name for name in self.names if name not in there))
        here = compute_metrics(rest, self._labels, scores, self._users).values if rest else {}
        return {name: there[name] if name in there else here[cast(MetricName, name)] for name in self.names}


def computes_auc_on_device(device: str, names: Sequence[str]) -> bool:
    """Whether AUC is computed where the scores are: a GPU sorts sooner than a CPU, and the value is the same."""
    return device == "cuda" and "auc" in names


class TrainingRun:
    """One training between its epochs."""

    def __init__(
        self,
        model: nn.Module,
        config: Architecture,
        judge: Validator,
        seeds: PurposeSeeds,
        device: str,
        on_epoch: Callable[[EpochRecord], None],
        order: RowOrdering,
    ) -> None:
        self.model = model
        self.optimisation = ModelOptimizer(model, config)
        self._judge = judge
        self._on_epoch = on_epoch
        self._stopping = EarlyStopping(judge.direction, config.patience)
        self._order = order
        self._chance = torch.Generator(device).manual_seed(seeds.order)
        self._curve: list[EpochRecord] = []
        self._metrics_valid: dict[str, float | None] = dict.fromkeys(judge.names)
        self._state: dict[str, Tensor] | None = None
        self._scores: NDArray[np.float32] | None = None
        self._divergence: str | None = None

    @property
    def over(self) -> bool:
        """Whether patience has ended, or the training has diverged."""
        return self._divergence is not None or self._stopping.exhausted

    def windows(self) -> Iterator[Window]:
        """The order of the next epoch's rows."""
        return self._order.windows(self._chance)

    def judge_epoch(self, loss: float, began: float) -> None:
        """Ends an epoch that began at this moment (perf_counter) with this mean loss; what `on_epoch` raises passes."""
        epoch, rate, judge = len(self._curve) + 1, self.optimisation.learning_rate, self._judge
        finite = np.isfinite(loss)
        found = probabilities(self.model, judge.rows) if finite else torch.full((judge.rows.rows,), torch.nan)
        scores = found.cpu().numpy()
        if not np.isfinite(scores).all():
            what = "validation predictions" if finite else "the training loss"
            self._divergence = f"{what} not finite in epoch {epoch}"
        values = dict.fromkeys(judge.names) if self._divergence else judge.metrics(found, scores)
        improved = self._stopping.improves(epoch, values[judge.primary])
        if improved:
            self._metrics_valid, self._scores = values, scores
            self._state = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
        self._curve.append(
            EpochRecord(
                epoch=epoch,
                train_loss=loss if finite else None,
                valid=values,
                learning_rate=rate,
                seconds=time.perf_counter() - began,
            )
        )
        self._on_epoch(self._curve[-1])
        if not self.over:
            self.optimisation.end_epoch(epoch, improved)

    def result(self, steps: StepKind = "eager") -> TrainingResult:
        """What it ended with; `steps` says how they were started."""
        return TrainingResult(
            best_epoch=self._stopping.best_epoch,
            best_value=self._stopping.best_value,
            metrics_valid=self._metrics_valid,
            curve=tuple(self._curve),
            state=self._state,
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
            divergence=self._divergence,
            valid_scores=self._scores,
            steps=steps,
            row_order=self._order.taken,
            row_wise_tables=tuple(row_wise_tables(self.model)),
        )
