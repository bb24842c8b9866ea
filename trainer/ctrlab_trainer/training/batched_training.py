"""Training of several seeds of one variant at once, along a leading axis of every parameter (execution mode `batched`).

Each seed has its own model: initial weights, order of rows, dropout, optimizer, learning rate, early stopping and best
epoch. Only the forward and backward passes are shared, so that a device which one small model does not fill works on
all of them. Sums are rounded differently than in the plain mode, so runs of the two modes are never compared: the
record of a run states its mode.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional as F

from ctrlab_api.architectures import Architecture
from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.plan import Variant
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.models import build
from ctrlab_trainer.models.components.dropout import dropout_layers
from ctrlab_trainer.models.components.embedding_tables import row_wise_tables
from ctrlab_trainer.process import memory_limits
from ctrlab_trainer.training.batches import Batch, DeviceData, batch_bounds
from ctrlab_trainer.training.loop import (
    STEPS_BETWEEN_STOP_CHECKS,
    TrainingStopped,
    autocast_context,
    matmul_precision_context,
)
from ctrlab_trainer.training.random_seeds import PurposeSeeds
from ctrlab_trainer.training.row_order import RowOrdering, joined_order, split_bytes
from ctrlab_trainer.training.step_execution import choose_execution, prepare_step, requested_execution, step_kind
from ctrlab_trainer.training.training_run import TrainingResult, TrainingRun, Validator

SEEDS_PER_POD = "spec.evaluation.seedsPerPod"


def train_batched(
    *,
    config: Architecture,
    variant: Variant,
    schema: EncodedSchema,
    train: EncodedSplit,
    valid: EncodedSplit,
    seeds: Sequence[PurposeSeeds],
    device: str,
    primary_metric: str,
    metrics: tuple[str, ...],
    stop: Callable[[], bool] = lambda: False,
) -> tuple[TrainingResult, ...]:
    """Train all seeds and return their results in order; a seed that stops early leaves the batch.

    Arguments and errors are those of `loop.train`; also InvalidSpec for a model whose computation cannot be batched.
    """
    model_schema = schema.without(variant.excluded_features)
    needed, total = split_bytes(train), memory_limits.total_bytes()
    if device == "cpu" and needed > total:
        sizes = f"{needed / 2**30:.1f} GiB of {total / 2**30:.1f}"
        raise _unbatchable(f"several seeds at once keep all rows in memory, {sizes}: use 1")
    rows = DeviceData(train, model_schema, device)
    validator = Validator(valid, model_schema, device, primary_metric, metrics)
    ordering = RowOrdering.choose(config.row_order, train, device)
    models = [build(variant, config, schema, run_seeds, device) for run_seeds in seeds]
    for table in row_wise_tables(models[0]):
        raise _unbatchable(
            f"several seeds at once cannot update {table} by rows: use 1, or raise sparse_embeddings_above"
        )
    runs = [
        TrainingRun(model, config, validator, run_seeds, device, lambda _: None, ordering)
        for model, run_seeds in zip(models, seeds, strict=True)
    ]
    active, epoch_training, kinds = list(runs), None, {}
    for _ in range(config.epochs):
        if epoch_training is None:
            epoch_training = _BatchedEpochTraining(active, rows, config, stop)
        began = time.perf_counter()
        for run, loss in zip(active, epoch_training.run(), strict=True):
            run.end_epoch(loss, began)
            kinds[id(run)] = step_kind(epoch_training.step)
        if any(run.finished for run in active):
            active, epoch_training = [run for run in active if not run.finished], None
        if not active:
            break
    return tuple(run.result(kinds[id(run)]) for run in runs)


class StackedModels:
    """Models of one architecture with each parameter of all of them in one tensor; the models keep views of it."""

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.models = tuple(models)
        self.parameters = _stack([dict(model.named_parameters()) for model in models])
        self.buffers = _stack([_persistent_buffers(model) for model in models])
        for tensor in self.parameters.values():
            tensor.requires_grad_()
        for layers in zip(*map(dropout_layers, models), strict=True):
            layers[0].stack(layers)

    def logits(self, batch: Batch, rows: int) -> Tensor:
        """Return [models, rows] of a batch with the rows of the first model, then those of the second, and so on."""
        count = len(self.models)
        tensors = (
            batch.ids,
            batch.numeric,
            *batch.vectors,
            *batch.multicategorical_counts,
            *batch.history_counts,
            *(gap for gap in batch.history_gaps if gap is not None),
        )
        by_model = tuple(tensor.view(count, rows, *tensor.shape[1:]) for tensor in tensors)

        def forward(parameters: dict[str, Tensor], buffers: dict[str, Tensor], *tensors: Tensor) -> Tensor:
            model_batch = _with_tensors(batch, tensors)
            model_logits: Tensor = functional_call(self.models[0], (parameters, buffers), (model_batch,))
            return model_logits

        try:
            logits: Tensor = vmap(forward, randomness="error")(self.parameters, self.buffers, *by_model)
        except RuntimeError as error:
            if "vmap" not in str(error):
                raise
            raise _unbatchable(_vmap_failure(self.models[0], error)) from error
        return logits

    def distribute_gradients(self) -> None:
        """Give every model its part of the gradients."""
        for name, stacked in self.parameters.items():
            for index, model in enumerate(self.models):
                gradient = None if stacked.grad is None else stacked.grad[index]
                model.get_parameter(name).grad = gradient
            stacked.grad = None


class _BatchedEpochTraining:
    """Passes over the training rows, with a separate row order for each model."""

    def __init__(
        self, runs: Sequence[TrainingRun], rows: DeviceData, config: Architecture, stop: Callable[[], bool]
    ) -> None:
        self._stacked = StackedModels([run.model for run in runs])
        self._runs, self._rows, self._config, self._stop = runs, rows, config, stop
        self._total_losses = torch.zeros(len(runs), dtype=torch.float64, device=rows.device)
        full_batches = rows.rows // config.batch_size
        execution = choose_execution(rows.device.type, config.optimizer, full_batches, requested_execution())
        layers = [layer for run in runs for layer in dropout_layers(run.model)]
        self.step = prepare_step(execution, self._update, len(runs) * config.batch_size, rows.device, layers)
        """Updates every model with the rows of the first, then those of the second, and so on."""

    def run(self) -> list[float]:
        """Train one epoch and return the mean loss of each model over its rows."""
        for model in self._stacked.models:
            model.train()
        orders = torch.stack([joined_order(run.windows()) for run in self._runs])
        self._total_losses.zero_()
        with matmul_precision_context(self._config.precision, self._rows.device.type):
            for step, (start, end) in enumerate(batch_bounds(self._rows.rows, self._config.batch_size)):
                if step % STEPS_BETWEEN_STOP_CHECKS == 0 and self._stop():
                    raise TrainingStopped
                self.step(orders[:, start:end].reshape(-1))
        return [float(loss) / self._rows.rows for loss in self._total_losses]

    def _update(self, index: Tensor) -> None:
        batch, rows = self._rows.batch(index), len(index) // len(self._runs)
        with autocast_context(batch, self._config.precision):
            logits = self._stacked.logits(batch, rows)
        labels = batch.labels.view(logits.shape)
        weights = None if batch.weights is None else batch.weights.view(logits.shape)
        losses = F.binary_cross_entropy_with_logits(logits.float(), labels, weight=weights, reduction="none").mean(
            dim=1
        )
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self._stacked.distribute_gradients()
        for run in self._runs:
            run.optimizer.step()
        self._total_losses += losses.detach() * rows


def _unbatchable(message: str) -> InvalidSpec:
    return InvalidSpec([Problem(SEEDS_PER_POD, message)])


def _vmap_failure(model: nn.Module, error: RuntimeError) -> str:
    reason = str(error).partition("\n")[0]
    return (
        f"{type(model).__name__} computes something that cannot be done for several seeds at once ({reason}); use 1, "
        "or write that part of the model without values read from tensors, in-place changes and its own random numbers"
    )


def _stack(tensors: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return one tensor for each name, of which the tensors of each model become views."""
    stacked = {name: torch.stack([model[name].detach() for model in tensors]) for name in tensors[0]}
    for index, model in enumerate(tensors):
        for name, tensor in model.items():
            tensor.data = stacked[name][index]
    return stacked


def _persistent_buffers(model: nn.Module) -> dict[str, Tensor]:
    """Return the running averages; the other buffers are the same in every model."""
    persistent = model.state_dict().keys()
    return {name: buffer for name, buffer in model.named_buffers() if name in persistent}


def _with_tensors(batch: Batch, tensors: tuple[Tensor, ...]) -> Batch:
    """Return the batch of one model, from the tensors of this model."""
    ids, numeric, *others = tensors
    vectors, others = others[: len(batch.vectors)], others[len(batch.vectors) :]
    lists, histories = len(batch.multicategorical_counts), len(batch.history_counts)
    gaps = iter(others[lists + histories :])
    return replace(
        batch,
        ids=ids,
        numeric=numeric,
        vectors=tuple(vectors),
        multicategorical_counts=tuple(others[:lists]),
        history_counts=tuple(others[lists : lists + histories]),
        history_gaps=tuple(None if gap is None else next(gaps) for gap in batch.history_gaps),
    )
