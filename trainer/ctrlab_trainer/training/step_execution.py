"""The execution of training steps: operation by operation (eager), or on a GPU as one recorded CUDA graph.

A step of a small model has about a thousand operations, and launching one takes longer than a GPU needs to compute it.
A graph launches all of them at once. It contains addresses and shapes, so the rows of a batch come through one index
tensor, and a last batch of another size runs eagerly. Both kinds compute the same; the record states which was used.
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
"""Steps before the recorded one, in which libraries and optimizers initialize themselves."""
MIN_FULL_BATCHES = 10
"""Full batches per epoch below which recording a step costs more than it saves."""
CAPTURABLE_OPTIMIZERS = frozenset({"adam", "adamw"})
"""Optimizers that read learning rate and step count from the device, as a graph requires."""

Step = Callable[[Tensor], None]
"""One update of the model (or of several) with the rows of an index."""
Capture = Callable[[Callable[[], None], Sequence[Dropout]], Callable[[], None]]
"""Records a call, with the random streams of the layers, and returns the function that replays it."""
WarmUp = Callable[[Callable[[], None]], None]


@dataclass(frozen=True)
class StepExecution:
    """The kind of execution, and the reason for it."""

    kind: StepKind
    reason: str


def choose_execution(
    device: str, optimizer: str, full_batches: int, requested: str = "auto", row_wise: bool = False
) -> StepExecution:
    """Choose the execution of steps.

    `requested` is auto or eager, `full_batches` the number of full batches per epoch; `row_wise` says whether a table
    is updated row-wise.
    """
    if requested == "eager":
        return StepExecution("eager", f"{Variable.STEPS}=eager")
    if device != "cuda":
        return StepExecution("eager", "CUDA graphs need a GPU")
    if optimizer not in CAPTURABLE_OPTIMIZERS:
        return StepExecution("eager", f"{optimizer} reads its learning rate on the host")
    if row_wise:
        return StepExecution("eager", "the gradients of row-wise updated tables change in size")
    if full_batches < MIN_FULL_BATCHES:
        return StepExecution("eager", f"{full_batches} full batches per epoch are too few")
    return StepExecution("cuda-graph", f"{optimizer} on a GPU")


def requested_execution() -> str:
    """Return the execution that the environment requests; InvalidSpec for anything but auto and eager."""
    value = os.environ.get(Variable.STEPS, "auto")
    if value not in ("auto", "eager"):
        raise InvalidSpec([Problem(Variable.STEPS, f"auto or eager, not {value!r}")])
    return value


def capture_graph(step: Callable[[], None], layers: Sequence[Dropout]) -> Callable[[], None]:
    """Record a step as a CUDA graph, without executing it; RuntimeError if an operation cannot be recorded."""
    graph = torch.cuda.CUDAGraph()
    for layer in layers:
        layer.register_stream(graph)
    with torch.cuda.graph(graph):
        step()
    replay: Callable[[], None] = graph.replay
    return replay


def run_on_side_stream(step: Callable[[], None]) -> None:
    """Run a step on another stream than the current one, as torch requires for steps before a recording."""
    current, side = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(current)
    with torch.cuda.stream(side):
        step()
    current.wait_stream(side)


@dataclass
class RecordedStep:
    """A step that is recorded after warming up and then replayed; if recording fails, steps run eagerly."""

    step: Step
    index: Tensor
    """[rows of a full batch] from which the recorded step reads the rows of its batch."""
    layers: Sequence[Dropout]
    capture: Capture
    warm_up: WarmUp
    failure: str | None = None
    _warm_up_steps: int = 0
    _replay: Callable[[], None] | None = field(default=None, repr=False)

    def __call__(self, index: Tensor) -> None:
        """Update the model with these rows."""
        if len(index) != len(self.index) or self.failure is not None:
            self.step(index)
        elif self._warm_up_steps < WARM_UP_STEPS:
            self._warm_up_steps += 1
            self.warm_up(lambda: self.step(index))
        else:
            self._record_or_replay(index)

    def _record_or_replay(self, index: Tensor) -> None:
        self.index.copy_(index)
        if self._replay is None:
            states = [layer.stream_state() for layer in self.layers]
            try:
                self._replay = self.capture(lambda: self.step(self.index), self.layers)
            except RuntimeError as error:
                self.failure = str(error).partition("\n")[0]
                print(f"training steps run eagerly: recording one failed ({self.failure})", file=sys.stderr)
                for layer, state in zip(self.layers, states, strict=True):
                    layer.restore_stream(state)
                self.step(index)
                return
        self._replay()


def prepare_step(
    execution: StepExecution, step: Step, rows: int, device: torch.device, layers: Sequence[Dropout]
) -> Step:
    """Return the step with the chosen execution; `rows` is the size of a full batch."""
    if execution.kind == "eager":
        return step
    index = torch.zeros(rows, dtype=torch.int64, device=device)
    return RecordedStep(step, index, layers, capture_graph, run_on_side_stream)


def step_kind(step: Step) -> StepKind:
    """Return the kind of execution that steps used in the end."""
    return "cuda-graph" if isinstance(step, RecordedStep) and step.failure is None else "eager"
