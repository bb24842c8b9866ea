"""Synchronous mode: the same search twice, with any number of workers.

Slots are grouped into generations of a fixed size. A slot is leased only when all earlier generations are done, and its
suggestion and its pruning see a copy of the study that holds the trials of earlier generations alone, in the order of
their slots. Who ran them, when, and how often a worker was lost then makes no difference.
"""

from collections.abc import Mapping
from typing import Final

import optuna
from optuna.trial import FrozenTrial, TrialState

from ctrlab_study.direction import Direction
from ctrlab_study.trials import counted_outcome

GENERATION: Final = 8
"""Slots that are asked for together; a constant, because the result may not depend on the number of workers."""


def generation_start(slot: int) -> int:
    """The first slot of this slot's generation."""
    return slot - slot % GENERATION


def earlier_generations(
    slot: int,
    done: Mapping[int, FrozenTrial | None],
    direction: Direction,
    sampler: optuna.samplers.BaseSampler,
    pruner: optuna.pruners.BasePruner,
) -> optuna.Study:
    """A study in memory in which the next trial gets the slot's number; `done` holds the counted trial of each slot."""
    # The name takes part in Hyperband's choice of a bracket, so it may not differ between two searches.
    study = optuna.create_study(study_name="search", direction=direction, sampler=sampler, pruner=pruner)
    start = generation_start(slot)
    for earlier in range(slot):
        study.add_trial(_copy(done.get(earlier)) if earlier < start else optuna.create_trial(state=TrialState.FAIL))
    return study


def _copy(trial: FrozenTrial | None) -> FrozenTrial:
    outcome = counted_outcome(trial) if trial is not None else None
    if trial is None or outcome is None or outcome.state == "FAIL":
        return optuna.create_trial(state=TrialState.FAIL)
    return optuna.create_trial(
        state=trial.state,
        value=trial.value,
        params=trial.params,
        distributions=trial.distributions,
        intermediate_values=trial.intermediate_values,
        system_attrs=trial.system_attrs,
    )
