"""Several seeds of one variant trained at once, as a leading axis of every parameter (execution mode `batched`).

Each seed is a model of its own with its own initial weights, order of rows, dropout, optimiser, learning rate, early
stop and best epoch; only the forward and backward passes are shared, so that a device which one small model leaves
idle works on all of them. Sums are rounded otherwise than in the plain mode, hence the two are never compared: the
record of a run says which it was.
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
from ctrlab_trainer.models.components.dropout import dropouts
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
from ctrlab_trainer.training.step_execution import choose_execution, prepare_step, step_kind, wanted
from ctrlab_trainer.training.training_run import TrainingResult, TrainingRun, Validator


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
    """A result for each seed, in their order; arguments and errors as of `loop.train`, and InvalidSpec for a model
    whose computation cannot be batched.

    A seed that stops early leaves the batch, and the others go on.
    """
    seen = schema.without(variant.excluded_features)
    needed, given = split_bytes(train), memory_limits.total()
    if device == "cpu" and needed > given:
        message = (
            f"several seeds at once keep all rows in memory, {needed / 2**30:.1f} GiB of {given / 2**30:.1f}: use 1"
        )
        raise InvalidSpec([Problem("spec.evaluation.seedsPerPod", message)])
    rows, judge = DeviceData(train, seen, device), Validator(valid, seen, device, primary_metric, metrics)
    order = RowOrdering.of(config.row_order, train, device)
    models = [build(variant, config, schema, own, device) for own in seeds]
    for table in row_wise_tables(models[0]):
        message = f"several seeds at once cannot update {table} by rows: use 1, or raise sparse_embeddings_above"
        raise InvalidSpec([Problem("spec.evaluation.seedsPerPod", message)])
    courses = [
        TrainingRun(model, config, judge, own, device, lambda _: None, order)
        for model, own in zip(models, seeds, strict=True)
    ]
    active, epoch_of, kinds = list(courses), None, {}
    for _ in range(config.epochs):
        if epoch_of is None:
            epoch_of = _Epoch(active, rows, config, stop)
        began = time.perf_counter()
        for course, loss in zip(active, epoch_of.run(), strict=True):
            course.judge_epoch(loss, began)
            kinds[id(course)] = step_kind(epoch_of.step)
        if any(course.over for course in active):
            active, epoch_of = [course for course in active if not course.over], None
        if not active:
            break
    return tuple(course.result(kinds[id(course)]) for course in courses)


class Together:
    """Models of one architecture whose parameters lie in one tensor each; the models keep views of it."""

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.models = tuple(models)
        self.parameters = _stack([dict(model.named_parameters()) for model in models])
        self.buffers = _stack([_kept_buffers(model) for model in models])
        for tensor in self.parameters.values():
            tensor.requires_grad_()
        for of_each in zip(*map(dropouts, models), strict=True):
            of_each[0].together(of_each)

    def logits(self, batch: Batch, rows: int) -> Tensor:
        """[models, rows] of a batch with the rows of the first model, then those of the second, and so on."""
        count = len(self.models)
        tensors = (
            batch.ids,
            batch.numeric,
            *batch.multicategorical_counts,
            *batch.history_counts,
            *(gap for gap in batch.history_gaps if gap is not None),
        )
        apart = tuple(tensor.view(count, rows, *tensor.shape[1:]) for tensor in tensors)

        def one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], *of_batch: Tensor) -> Tensor:
            found: Tensor = functional_call(self.models[0], (parameters, buffers), (_joined(batch, of_batch),))
            return found

        try:
            logits: Tensor = vmap(one, randomness="error")(self.parameters, self.buffers, *apart)
        except RuntimeError as error:
            if "vmap" not in str(error):
                raise
            raise InvalidSpec([Problem("spec.evaluation.seedsPerPod", _unable(self.models[0], error))]) from error
        return logits

    def share_gradients(self) -> None:
        """Gives every model its part of the gradients."""
        for name, stacked in self.parameters.items():
            for place, model in enumerate(self.models):
                gradient = None if stacked.grad is None else stacked.grad[place]
                model.get_parameter(name).grad = gradient
            stacked.grad = None


class _Epoch:
    """Passes over the training rows, of each model in its own order."""

    def __init__(
        self, courses: Sequence[TrainingRun], rows: DeviceData, config: Architecture, stop: Callable[[], bool]
    ) -> None:
        self._together = Together([course.model for course in courses])
        self._courses, self._rows, self._config, self._stop = courses, rows, config, stop
        self._total = torch.zeros(len(courses), dtype=torch.float64, device=rows.device)
        choice = choose_execution(rows.device.type, config.optimizer, rows.rows // config.batch_size, wanted())
        layers = [layer for course in courses for layer in dropouts(course.model)]
        self.step = prepare_step(choice, self._update, len(courses) * config.batch_size, rows.device, layers)
        """An update of every model with the rows of the first, then those of the second, and so on."""

    def run(self) -> list[float]:
        """The mean loss of each model over its rows."""
        for model in self._together.models:
            model.train()
        orders = torch.stack([joined_order(course.windows()) for course in self._courses])
        self._total.zero_()
        with matmul_precision_context(self._config.precision, self._rows.device.type):
            for step, (start, end) in enumerate(batch_bounds(self._rows.rows, self._config.batch_size)):
                if step % STEPS_BETWEEN_STOP_CHECKS == 0 and self._stop():
                    raise TrainingStopped
                self.step(orders[:, start:end].reshape(-1))
        return [float(loss) / self._rows.rows for loss in self._total]

    def _update(self, index: Tensor) -> None:
        batch, rows = self._rows.batch(index), len(index) // len(self._courses)
        with autocast_context(batch, self._config.precision):
            logits = self._together.logits(batch, rows)
        labels = batch.labels.view(logits.shape)
        losses = F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none").mean(dim=1)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self._together.share_gradients()
        for course in self._courses:
            course.optimisation.step()
        self._total += losses.detach() * rows


def _unable(model: nn.Module, error: RuntimeError) -> str:
    why = str(error).partition("\n")[0]
    return (
        f"{type(model).__name__} computes something that cannot be done for several seeds at once ({why}); use 1, or "
        "write that part of the model without values read from tensors, changes in place and randomness of its own"
    )


def _stack(of_each: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """One tensor for each name; the given ones become views of it."""
    stacked = {name: torch.stack([tensors[name].detach() for tensors in of_each]) for name in of_each[0]}
    for place, tensors in enumerate(of_each):
        for name, tensor in tensors.items():
            tensor.data = stacked[name][place]
    return stacked


def _kept_buffers(model: nn.Module) -> dict[str, Tensor]:
    """Running averages; the others are the same in every model."""
    kept = model.state_dict().keys()
    return {name: buffer for name, buffer in model.named_buffers() if name in kept}


def _joined(batch: Batch, tensors: tuple[Tensor, ...]) -> Batch:
    """The batch of one model."""
    ids, numeric, *others = tensors
    several, histories = len(batch.multicategorical_counts), len(batch.history_counts)
    gaps = iter(others[several + histories :])
    return replace(
        batch,
        ids=ids,
        numeric=numeric,
        multicategorical_counts=tuple(others[:several]),
        history_counts=tuple(others[several : several + histories]),
        history_gaps=tuple(None if gap is None else next(gaps) for gap in batch.history_gaps),
    )
