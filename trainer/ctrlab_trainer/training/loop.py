"""Training of one model: epochs over permuted rows, judged on validation rows, until no epoch is better.

Nothing waits for the device inside an epoch: losses are added up there and read once at its end. Divergence is a
result, not an error: it is returned with what was reached before.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctrlab_api.architectures import Architecture
from ctrlab_api.plan import Variant
from ctrlab_api.records import EpochRecord
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.models import build
from ctrlab_trainer.models.components.dropout import dropouts
from ctrlab_trainer.models.components.embedding_tables import row_wise_tables
from ctrlab_trainer.training.batches import Batch
from ctrlab_trainer.training.optimizer import ModelOptimizer
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering, Window
from ctrlab_trainer.training.row_windows import Rows, open_rows
from ctrlab_trainer.training.step_execution import choose_execution, prepare_step, step_kind, wanted
from ctrlab_trainer.training.training_run import TrainingResult, TrainingRun, Validator

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
    seen = schema.without(variant.excluded_features)
    model = build(variant, config, schema, seeds, device)
    order = RowOrdering.of(config.row_order, train, device)
    rows, judge = open_rows(train, seen, order, device), Validator(valid, seen, device, primary_metric, metrics)
    course = TrainingRun(model, config, judge, seeds, device, on_epoch, order)
    epoch_of = EpochTraining(model, rows, course.optimisation, config, stop)
    for _ in range(config.epochs):
        began = time.perf_counter()
        course.judge_epoch(epoch_of.run(course.windows()), began)
        if course.over:
            break
    return course.result(step_kind(epoch_of.step))


class EpochTraining:
    """Passes over the training rows."""

    def __init__(
        self,
        model: nn.Module,
        rows: Rows,
        optimisation: ModelOptimizer,
        config: Architecture,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._model, self._rows, self._config, self._stop = model, rows, config, stop
        self._optimisation = optimisation
        self._total = torch.zeros((), dtype=torch.float64, device=rows.device)
        full_batches, row_wise = rows.rows // config.batch_size, bool(row_wise_tables(model))
        choice = choose_execution(rows.device.type, config.optimizer, full_batches, wanted(), row_wise)
        self.step = prepare_step(choice, self._update, config.batch_size, rows.device, dropouts(model))
        """An update of the model with the rows of an index, as it is started here."""

    def run(self, order: Iterable[Window]) -> float:
        """The mean loss over the rows, without penalties; not finite if any batch's was not."""
        self._model.train()
        self._total.zero_()
        with matmul_precision_context(self._config.precision, self._rows.device.type):
            for step, index in enumerate(self._rows.in_order(order, self._config.batch_size)):
                if step % STEPS_BETWEEN_STOP_CHECKS == 0 and self._stop():
                    raise TrainingStopped
                self.step(index)
        return float(self._total) / self._rows.rows

    def _update(self, index: Tensor) -> None:
        batch = self._rows.batch(index)
        self._total += training_step(self._model, batch, self._optimisation, self._config.precision) * len(index)


def training_step(model: nn.Module, batch: Batch, optimisation: ModelOptimizer, precision: str) -> Tensor:
    """One update of the model; its loss on the batch before the update, without penalties and without a gradient."""
    optimisation.zero_grad()
    with autocast_context(batch, precision):
        logits = model(batch)
    loss = F.binary_cross_entropy_with_logits(logits.float(), batch.labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimisation.step()
    return loss.detach()


def autocast_context(batch: Batch, precision: str) -> AbstractContextManager[object]:
    """Of the forward pass, whose operations the backward pass follows."""
    if batch.ids.is_cuda and precision == "bfloat16":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def matmul_precision_context(precision: str, device: str) -> Iterator[None]:
    """Matrix products of a GPU in TensorFloat-32 where the specification asks for it, in both passes."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(matmul_precision(precision, device))
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def matmul_precision(precision: str, device: str) -> str:
    """Torch's word for how float32 matrices are multiplied."""
    return "high" if precision == "tf32" and device == "cuda" else "highest"
