"""The training loop of one model: epochs over permuted rows, each followed by validation, with early stopping.

Nothing waits for the device within an epoch: losses are summed on the device and read once at the end. Divergence is a
result, not an error: it is returned with the best epoch so far.
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
from ctrlab_trainer.models.components.dropout import dropout_layers
from ctrlab_trainer.models.components.embedding_tables import row_wise_tables
from ctrlab_trainer.training.batches import Batch
from ctrlab_trainer.training.optimizer import ModelOptimizer
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering, Window
from ctrlab_trainer.training.row_windows import Rows, open_rows
from ctrlab_trainer.training.step_execution import choose_execution, prepare_step, requested_execution, step_kind
from ctrlab_trainer.training.training_run import TrainingResult, TrainingRun, Validator

__all__ = ["TrainingResult", "TrainingStopped", "train", "training_step"]

STEPS_BETWEEN_STOP_CHECKS = 50


class TrainingStopped(Exception):
    """The caller's `stop` returned True."""


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
    """Train a variant with resolved parameters; equal arguments on one device and version give equal bits.

    `metrics` includes `primary_metric`. Exceptions of `on_epoch` propagate; raises TrainingStopped when `stop` returns
    True, and InvalidSpec for parts or features that cannot be removed.
    """
    model_schema = schema.without(variant.excluded_features)
    model = build(variant, config, schema, seeds, device)
    ordering = RowOrdering.choose(config.row_order, train, device)
    rows = open_rows(train, model_schema, ordering, device)
    validator = Validator(valid, model_schema, device, primary_metric, metrics)
    run = TrainingRun(model, config, validator, seeds, device, on_epoch, ordering)
    epoch_training = EpochTraining(model, rows, run.optimizer, config, stop)
    for _ in range(config.epochs):
        began = time.perf_counter()
        run.end_epoch(epoch_training.run(run.windows()), began)
        if run.finished:
            break
    return run.result(step_kind(epoch_training.step))


class EpochTraining:
    """Passes over the training rows."""

    def __init__(
        self,
        model: nn.Module,
        rows: Rows,
        optimizer: ModelOptimizer,
        config: Architecture,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._model, self._rows, self._config, self._stop = model, rows, config, stop
        self._optimizer = optimizer
        self._total_loss = torch.zeros((), dtype=torch.float64, device=rows.device)
        full_batches, row_wise = rows.rows // config.batch_size, bool(row_wise_tables(model))
        execution = choose_execution(rows.device.type, config.optimizer, full_batches, requested_execution(), row_wise)
        self.step = prepare_step(execution, self._update, config.batch_size, rows.device, dropout_layers(model))
        """Updates the model with the rows of an index, with the chosen execution."""

    def run(self, windows: Iterable[Window]) -> float:
        """Train one epoch and return the mean loss over the rows, without penalties.

        It is not finite if the loss of a batch was not.
        """
        self._model.train()
        self._total_loss.zero_()
        with matmul_precision_context(self._config.precision, self._rows.device.type):
            for step, index in enumerate(self._rows.index_batches(windows, self._config.batch_size)):
                if step % STEPS_BETWEEN_STOP_CHECKS == 0 and self._stop():
                    raise TrainingStopped
                self.step(index)
        return float(self._total_loss) / self._rows.rows

    def _update(self, index: Tensor) -> None:
        batch = self._rows.batch(index)
        loss = training_step(self._model, batch, self._optimizer, self._config.precision)
        self._total_loss += loss * len(index)


def training_step(model: nn.Module, batch: Batch, optimizer: ModelOptimizer, precision: str) -> Tensor:
    """Update the model once and return its loss on the batch before the update, without penalties and gradient.

    Weights have mean 1 over train, and the loss of a batch is sum(weight * loss) / rows.
    """
    optimizer.zero_grad()
    with autocast_context(batch, precision):
        logits = model(batch)
    loss = F.binary_cross_entropy_with_logits(logits.float(), batch.labels, weight=batch.weights)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


def autocast_context(batch: Batch, precision: str) -> AbstractContextManager[object]:
    """Return the precision context of the forward pass; the backward pass uses the same operations."""
    if batch.ids.is_cuda and precision == "bfloat16":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


@contextmanager
def matmul_precision_context(precision: str, device: str) -> Iterator[None]:
    """Multiply matrices on a GPU in TensorFloat-32 if the specification requests it, in both passes."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(matmul_precision(precision, device))
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def matmul_precision(precision: str, device: str) -> str:
    """Return torch's name of the precision in which float32 matrices are multiplied."""
    return "high" if precision == "tf32" and device == "cuda" else "highest"
