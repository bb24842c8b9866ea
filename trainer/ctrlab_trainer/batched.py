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

from ctrlab_contract.architectures import Architecture
from ctrlab_contract.errors import InvalidSpec, Problem
from ctrlab_contract.plan import Variant
from ctrlab_trainer.batches import Batch, DeviceData, bounds
from ctrlab_trainer.course import Course, Judge, TrainingResult
from ctrlab_trainer.data.encoded import EncodedSchema, EncodedSplit
from ctrlab_trainer.loop import STEPS_BETWEEN_STOP_CHECKS, TrainingStopped, precision_of
from ctrlab_trainer.models import build
from ctrlab_trainer.models.components.dropout import Dropout
from ctrlab_trainer.seeds import PurposeSeeds


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
    seen = schema.without(variant.unseen)
    rows, judge = DeviceData(train, seen, device), Judge(valid, seen, device, primary_metric, metrics)
    courses = [
        Course(build(variant, config, schema, own, device), config, judge, own, device, lambda _: None) for own in seeds
    ]
    active = list(courses)
    for _ in range(config.epochs):
        began = time.perf_counter()
        losses = _epoch(Together([course.model for course in active]), active, rows, config, stop)
        for course, loss in zip(active, losses, strict=True):
            course.judge_epoch(loss, began)
        active = [course for course in active if not course.over]
        if not active:
            break
    return tuple(course.result() for course in courses)


class Together:
    """Models of one architecture whose parameters lie in one tensor each; the models keep views of it."""

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.models = tuple(models)
        self.parameters = _stack([dict(model.named_parameters()) for model in models])
        self.buffers = _stack([_kept_buffers(model) for model in models])
        for tensor in self.parameters.values():
            tensor.requires_grad_()
        layers = [[part for part in model.modules() if isinstance(part, Dropout)] for model in models]
        for of_each in zip(*layers, strict=True):
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


def _epoch(
    together: Together, courses: Sequence[Course], rows: DeviceData, config: Architecture, stop: Callable[[], bool]
) -> list[float]:
    """The mean loss of each model over its rows, in its own order."""
    for model in together.models:
        model.train()
    orders = torch.stack([course.permutation(rows.rows) for course in courses])
    total = torch.zeros(len(courses), dtype=torch.float64, device=rows.device)
    for step, (start, end) in enumerate(bounds(rows.rows, config.batch_size)):
        if step % STEPS_BETWEEN_STOP_CHECKS == 0 and stop():
            raise TrainingStopped
        batch = rows.batch(orders[:, start:end].reshape(-1))
        with precision_of(batch, config.precision):
            logits = together.logits(batch, end - start)
        labels = batch.labels.view(logits.shape)
        losses = F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none").mean(dim=1)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        together.share_gradients()
        for course in courses:
            course.optimisation.step()
        total += losses.detach() * (end - start)
    return [float(loss) / rows.rows for loss in total]


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
