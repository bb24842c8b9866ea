"""The trials that a sampler learns from: one snapshot of the study, a warm start, or previous generations.

**Snapshot.** A sampler that learns reads the study's trials several times for one suggestion. If another worker's
trial ended between two reads, it would draw jointly from parameters that this trial does not have.

**Warm start.** The trials of a previous study of the same data are passed to the sampler only. They are not part of the
shared study: they do not count toward the budget, prune no trial and cannot be the best. The sampler proposes from a
copy in memory that begins with them. CmaEs learns only from populations that it sampled itself, so it initializes its
mean and covariance from the best tenth of the previous trials (Nomura et al., AAAI 2021).

**Generations** (synchronous mode). A repeated study gives the same result, with any number of workers. Slots are
grouped into generations of a fixed size. A slot is leased only when all previous generations are done, and sampler and
pruner see a copy of the study with the trials of previous generations only, in the order of their slots. Which worker
ran a trial, when, and how often a worker was lost then makes no difference.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import optuna
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from ctrlab_api.checks.warm_start_problems import WARM_START_PATH
from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.metrics import Direction
from ctrlab_api.plan import Plan
from ctrlab_api.records.studies import StudyRecord, TrialRecord, WarmStartRecord
from ctrlab_api.search_space import SearchSpace
from ctrlab_study.points import distribution_of
from ctrlab_study.recovery import counted_outcome

MIN_TRIALS_FOR_CMA_ES: Final = 10
"""CmaEs begins with the best tenth of the trials."""

GENERATION_SIZE: Final = 8
"""Slots of a generation; a constant, because the result must not depend on the number of workers."""


class _Snapshot:
    """A study whose list of trials does not change; everything else is delegated to the study."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._trials = study.get_trials(deepcopy=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    @property
    def trials(self) -> list[FrozenTrial]:
        return self.get_trials()

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        return [trial for trial in self._trials if states is None or trial.state in states]

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        """Optuna's samplers read the trials through this private method."""
        return self.get_trials(deepcopy, states)


class SnapshotSampler(BaseSampler):
    """Gives a learning sampler one snapshot of the study for all parameters of one trial.

    Only the trials are fixed; everything that the sampler writes is written to the study.
    """

    def __init__(self, sampler: BaseSampler) -> None:
        """`sampler` suggests the parameters of a single trial."""
        self._sampler = sampler
        self._snapshot: Study | None = None

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass on to the sampler."""
        self._sampler.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Pass on to the sampler."""
        self._sampler.after_trial(study, trial, state, values)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the sampler's joint space over the snapshot."""
        return self._sampler.infer_relative_search_space(self._snapshot_of(study), trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the sampler's values for the joint space."""
        return self._sampler.sample_relative(self._snapshot_of(study), trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return the sampler's value for one parameter."""
        return self._sampler.sample_independent(self._snapshot_of(study), trial, param_name, param_distribution)

    def _snapshot_of(self, study: Study) -> Study:
        if self._snapshot is None:
            self._snapshot = cast(Study, _Snapshot(study))
        return self._snapshot


@dataclass(frozen=True)
class WarmStartTrials:
    """Trials of a previous study that lie in the space of a new one."""

    trials: tuple[FrozenTrial, ...]
    record: WarmStartRecord

    @classmethod
    def from_study(
        cls, plan: Plan, variant: str, dataset_digest: str, previous: StudyRecord, architecture: str
    ) -> "WarmStartTrials":
        """Select the trials of a frozen study of the same variant name.

        `architecture` is that of the previous study's variant. Raises InvalidInput if data, primary metric or
        architecture differ, or if CmaEs has too few trials to begin with.
        """
        experiment = plan.tuning.warm_start.experiment if plan.tuning.warm_start else ""
        new = plan.variant(variant)
        for subject, previous_value, new_value in (
            ("the data set", previous.dataset_digest, dataset_digest),
            ("the primary metric", previous.primary_metric, plan.analysis.primary_metric),
            (f"the architecture of {variant}", architecture, new.architecture),
        ):
            if previous_value != new_value:
                message = (
                    f"{subject} of {experiment} is {previous_value}, that of this experiment is {new_value}; "
                    "name another experiment or remove the field"
                )
                raise InvalidInput([Problem(WARM_START_PATH, message)])
        usable = [trial for trial in previous.trials if trial.counted and trial.state != "FAIL"]
        trials = [copy for trial in usable if (copy := _in_space(trial, new.search_space)) is not None]
        record = WarmStartRecord(
            experiment=experiment,
            search_digest=previous.digest,
            trials=len(trials),
            outside=len(usable) - len(trials),
        )
        warm_start = cls(tuple(trials), record)
        if plan.tuning.sampler == "CmaEs" and len(warm_start.numeric_trials()) < MIN_TRIALS_FOR_CMA_ES:
            message = (
                f"CmaEs needs {MIN_TRIALS_FOR_CMA_ES} complete trials of {experiment} in the new space, but there are "
                f"{len(warm_start.numeric_trials())}; use TPE or GP"
            )
            raise InvalidInput([Problem(WARM_START_PATH, message)])
        return warm_start

    def numeric_trials(self) -> list[FrozenTrial]:
        """Return the complete trials with their numeric parameters only, as CmaEs needs them."""
        return [
            optuna.create_trial(
                value=trial.value,
                params={name: trial.params[name] for name in names},
                distributions={name: trial.distributions[name] for name in names},
            )
            for trial in self.trials
            if trial.state == TrialState.COMPLETE
            and (names := [n for n, d in trial.distributions.items() if not isinstance(d, CategoricalDistribution)])
        ]

    def ask_after(self, trials: Sequence[FrozenTrial], direction: Direction, sampler: BaseSampler) -> optuna.Trial:
        """Return a new trial of a study in memory with these trials followed by `trials`, including running ones."""
        study = optuna.create_study(direction=direction, sampler=sampler, pruner=optuna.pruners.NopPruner())
        study.add_trials([*self.trials, *trials])
        return study.ask()


def _in_space(trial: TrialRecord, space: SearchSpace) -> FrozenTrial | None:
    """Return the trial in terms of the new space; None if the space does not contain it."""
    point = space.active_point(trial.parameters)
    if point is None or point.keys() != trial.parameters.keys():
        return None
    distributions = {name: distribution_of(space.dimensions[name]) for name in point}
    try:
        return optuna.create_trial(
            state=TrialState[trial.state],
            value=trial.value if trial.state == "COMPLETE" else None,
            params=point,
            distributions=distributions,
            intermediate_values=trial.curve,
        )
    except ValueError:
        return None


def generation_start(slot: int) -> int:
    """Return the first slot of this slot's generation."""
    return slot - slot % GENERATION_SIZE


def previous_generations(
    slot: int,
    done: Mapping[int, FrozenTrial | None],
    direction: Direction,
    sampler: BaseSampler,
    pruner: optuna.pruners.BasePruner,
) -> Study:
    """Return a study in memory whose next trial gets the slot's number; `done` has the counted trial of each slot."""
    # Hyperband hashes the study's name to choose a bracket, so the name must be the same in two studies.
    study = optuna.create_study(study_name="search", direction=direction, sampler=sampler, pruner=pruner)
    start = generation_start(slot)
    for number in range(slot):
        study.add_trial(_copy(done.get(number)) if number < start else optuna.create_trial(state=TrialState.FAIL))
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
