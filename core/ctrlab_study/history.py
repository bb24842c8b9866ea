"""Warm start: what an earlier search of the same data found, shown to the sampler and to nobody else.

The earlier trials are kept out of the shared study: they count for no budget, prune no trial and cannot be the best.
The sampler proposes from a copy in memory that begins with them. CmaEs learns from populations that it has drawn, and
takes its first mean and covariance from the best tenth of the earlier trials (Nomura et al., AAAI 2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from ctrlab_api.checks.warm_start_problems import WARM_START_PATH
from ctrlab_api.errors import InvalidInput, Problem
from ctrlab_api.plan import Plan
from ctrlab_api.records.studies import StudyRecord, TrialRecord, WarmStartRecord
from ctrlab_api.search_space import SearchSpace
from ctrlab_study.direction import Direction
from ctrlab_study.distributions import distribution

FEWEST_FOR_CMA_ES = 10
"""It looks at the best tenth."""


@dataclass(frozen=True)
class WarmStartTrials:
    """Trials that lie in the space of a new search."""

    trials: tuple[FrozenTrial, ...]
    record: WarmStartRecord

    @classmethod
    def of(
        cls, plan: Plan, variant: str, dataset_digest: str, found: StudyRecord, architecture: str
    ) -> "WarmStartTrials":
        """From a frozen search of the variant's name; InvalidInput for one of other data, metric or architecture."""
        experiment = plan.tuning.warm_start.experiment if plan.tuning.warm_start else ""
        own = plan.variant(variant)
        for what, theirs, ours in (
            ("the data set", found.dataset_digest, dataset_digest),
            ("the primary metric", found.primary_metric, plan.analysis.primary_metric),
            (f"the architecture of {variant}", architecture, own.architecture),
        ):
            if theirs != ours:
                message = f"{what} of {experiment} is {theirs}, of this experiment {ours}; name another or leave it out"
                raise InvalidInput([Problem(WARM_START_PATH, message)])
        usable = [trial for trial in found.trials if trial.counted and trial.state != "FAIL"]
        trials = [copied for trial in usable if (copied := _in_space(trial, own.search_space)) is not None]
        record = WarmStartRecord(
            experiment=experiment,
            search_digest=found.digest,
            trials=len(trials),
            outside=len(usable) - len(trials),
        )
        earlier = cls(tuple(trials), record)
        if plan.tuning.sampler == "CmaEs" and len(earlier.of_numbers()) < FEWEST_FOR_CMA_ES:
            message = (
                f"CmaEs needs {FEWEST_FOR_CMA_ES} complete trials of {experiment} in the new space, there are "
                f"{len(earlier.of_numbers())}; use TPE or GP"
            )
            raise InvalidInput([Problem(WARM_START_PATH, message)])
        return earlier

    def of_numbers(self) -> list[FrozenTrial]:
        """The complete trials with the numbers among their parameters, which CmaEs can begin with."""
        return [
            optuna.create_trial(
                value=trial.value,
                params={name: trial.params[name] for name in numbers},
                distributions={name: trial.distributions[name] for name in numbers},
            )
            for trial in self.trials
            if trial.state == TrialState.COMPLETE
            and (numbers := [n for n, d in trial.distributions.items() if not isinstance(d, CategoricalDistribution)])
        ]

    def continued(
        self, known: Sequence[FrozenTrial], direction: Direction, sampler: optuna.samplers.BaseSampler
    ) -> optuna.Trial:
        """A trial of a study in memory that holds the earlier trials and then the known ones, running ones included."""
        study = optuna.create_study(direction=direction, sampler=sampler, pruner=optuna.pruners.NopPruner())
        study.add_trials([*self.trials, *known])
        return study.ask()


def _in_space(trial: TrialRecord, space: SearchSpace) -> FrozenTrial | None:
    """The trial as one of the new space; None where a value of it is not possible there."""
    point = space.active_point(trial.parameters)
    if point is None or point.keys() != trial.parameters.keys():
        return None
    distributions = {name: distribution(space.dimensions[name]) for name in point}
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
