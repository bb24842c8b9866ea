"""How training steps are started: one operation after the other, or on a GPU as one recorded graph of all of them.

A step of a small model has about a thousand operations, and starting one takes a GPU longer than computing it. A graph
starts them all at once. It holds addresses and shapes, so the rows of a batch come through one index tensor, and a last
batch of another size goes the plain way. Both ways compute the same; the record says which was taken.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ctrlab_api.errors import InvalidSpec, Problem
from ctrlab_api.names import Variable
from ctrlab_api.records.runs import StepKind
from ctrlab_trainer.models.components.dropout import Dropout

WARM_UP_STEPS = 3
"""Steps before one is recorded, in which libraries and optimisers set themselves up."""
WORTH_IT = 10
"""Full batches of an epoch below which recording a step costs more than it saves."""
CAPTURABLE_OPTIMIZERS = frozenset({"adam", "adamw"})
"""Optimisers that read learning rate and number of steps from the device, as a graph needs it."""

Step = Callable[[Tensor], None]
"""One update of the model (or of several) with the rows of an index."""
Capture = Callable[[Callable[[], None], Sequence[Dropout]], Callable[[], None]]
"""Records what is called, with the streams that it draws from, and returns what repeats it."""
WarmUp = Callable[[Callable[[], None]], None]


@dataclass(frozen=True)
class StepExecution:
    """How steps are started, and why."""

    kind: StepKind
    why: str


def choose_execution(
    device: str, optimizer: str, full_batches: int, wanted: str = "auto", row_wise: bool = False
) -> StepExecution:
    """`wanted` is auto or eager; `full_batches` are those of one epoch; `row_wise`: some table is updated by rows."""
    if wanted == "eager":
        return StepExecution("eager", f"{Variable.STEPS}=eager")
    if device != "cuda":
        return StepExecution("eager", "graphs are for GPUs")
    if optimizer not in CAPTURABLE_OPTIMIZERS:
        return StepExecution("eager", f"{optimizer} takes its learning rate from the host")
    if row_wise:
        return StepExecution("eager", "tables that are updated by rows have gradients of changing size")
    if full_batches < WORTH_IT:
        return StepExecution("eager", f"{full_batches} full batches an epoch are too few")
    return StepExecution("cuda-graph", f"{optimizer} on a GPU")


def wanted() -> str:
    """What the environment asks for; InvalidSpec for anything but auto and eager."""
    given = os.environ.get(Variable.STEPS, "auto")
    if given not in ("auto", "eager"):
        raise InvalidSpec([Problem(Variable.STEPS, f"auto or eager, not {given!r}")])
    return given


def capture_on_gpu(step: Callable[[], None], layers: Sequence[Dropout]) -> Callable[[], None]:
    """A CUDA graph of one step, which is recorded and not carried out; RuntimeError where something cannot be."""
    graph = torch.cuda.CUDAGraph()
    for layer in layers:
        layer.record_into(graph)
    with torch.cuda.graph(graph):
        step()
    replay: Callable[[], None] = graph.replay
    return replay


def beside_the_main_stream(step: Callable[[], None]) -> None:
    """Steps before a recording run on another stream, as torch asks."""
    main, other = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    other.wait_stream(main)
    with torch.cuda.stream(other):
        step()
    main.wait_stream(other)


@dataclass
class RecordedStep:
    """A step that is recorded after some warming up and then repeated; whatever fails, steps go on without."""

    step: Step
    index: Tensor
    """[rows of a full batch] where the recorded step reads which rows it is for."""
    layers: Sequence[Dropout]
    capture: Capture
    warm_up: WarmUp
    failure: str | None = None
    _warm: int = 0
    _replay: Callable[[], None] | None = field(default=None, repr=False)

    def __call__(self, index: Tensor) -> None:
        """One update with these rows."""
        if len(index) != len(self.index) or self.failure is not None:
            self.step(index)
        elif self._warm < WARM_UP_STEPS:
            self._warm += 1
            self.warm_up(lambda: self.step(index))
        else:
            self._repeat(index)

    def _repeat(self, index: Tensor) -> None:
        self.index.copy_(index)
        if self._replay is None:
            streams = [layer.state() for layer in self.layers]
            try:
                self._replay = self.capture(lambda: self.step(self.index), self.layers)
            except RuntimeError as error:
                self.failure = str(error).partition("\n")[0]
                print(f"steps are started one by one: recording one failed ({self.failure})", file=sys.stderr)
                for layer, state in zip(self.layers, streams, strict=True):
                    layer.restore(state)
                self.step(index)
                return
        self._replay()


def prepare_step(choice: StepExecution, step: Step, rows: int, device: torch.device, layers: Sequence[Dropout]) -> Step:
    """The step as the choice has it; `rows` of a full batch."""
    if choice.kind == "eager":
        return step
    index = torch.zeros(rows, dtype=torch.int64, device=device)
    return RecordedStep(step, index, layers, capture_on_gpu, beside_the_main_stream)


def step_kind(step: Step) -> StepKind:
    """How steps were started in the end."""
    return "cuda-graph" if isinstance(step, RecordedStep) and step.failure is None else "eager"
