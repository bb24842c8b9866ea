"""The rules of `tuning.stop`: pure, from what a search has spent and found to the reason why it ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from ctrlab_api.resources.tuning import Stop
from ctrlab_api.schema_types import duration_seconds
from ctrlab_study.direction import Direction
from ctrlab_study.study_lifecycle import FinishedSlot, StudyStop


@dataclass(frozen=True)
class StudyUsage:
    """What a search has used and found so far."""

    elapsed: float
    """Seconds since its first trial began."""
    gpu_seconds: float
    finished: Sequence[FinishedSlot]
    """In the order in which they count."""


def reason_to_stop(rules: Stop, spent: StudyUsage, budget: int, direction: Direction) -> StudyStop | None:
    """The first rule that holds; None while there is none, or where the whole budget is used."""
    done = len(spent.finished)
    if done >= budget:
        return None
    of_budget = f"after {done} of {budget} trials"
    if rules.after is not None and spent.elapsed >= duration_seconds(rules.after):
        return StudyStop("after", f"{of_budget}: the search has taken {rules.after}")
    if rules.gpu_time is not None and spent.gpu_seconds >= duration_seconds(rules.gpu_time):
        return StudyStop("gpuTime", f"{of_budget}: its trials have held GPUs for {rules.gpu_time}")
    if rules.no_improvement is not None and _since_best(spent.finished, direction) >= rules.no_improvement:
        return StudyStop("noImprovement", f"{of_budget}: the last {rules.no_improvement} brought no new best")
    return None


def _since_best(finished: Sequence[FinishedSlot], direction: Direction) -> int:
    """Trials after the one with the best value; 0 while no trial is complete, for then nothing was found yet."""
    best: float | None = None
    since = 0
    for trial in finished:
        better = trial.value is not None and (
            best is None or (trial.value > best if direction == "maximize" else trial.value < best)
        )
        if better:
            best, since = trial.value, 0
        elif best is not None:
            since += 1
    return since
