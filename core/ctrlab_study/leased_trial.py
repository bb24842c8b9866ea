"""One trial as an objective sees it: parameters to try, a place to report values, and the advice to give up."""

from collections.abc import Callable
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import UpdateFinishedTrialError

from ctrlab_api.records.studies import ParameterValue
from ctrlab_api.search_space import SearchSpace
from ctrlab_study.database import Database
from ctrlab_study.distributions import distribution
from ctrlab_study.errors import LeaseLost
from ctrlab_study.trials import DEVICE


@dataclass(frozen=True)
class LeasedTrial:
    """A leased slot's trial."""

    number: int
    slot: int
    parameters: dict[str, ParameterValue]
    database: Database
    shared: optuna.Trial
    """In the study database."""
    judge: optuna.Trial
    """Which study decides about pruning: `shared`, or its copy in a study of earlier generations."""
    check: Callable[[], None] = lambda: None
    """Raises what has become known about this trial meanwhile: LeaseLost, SearchFailed or Interrupted."""

    def ran_on(self, device: str) -> None:
        """Notes the kind of device, before the training: a trial that is lost has used it, too."""
        try:
            self.database.retrying(lambda: self.shared.set_user_attr(DEVICE, device))
        except UpdateFinishedTrialError:
            raise LeaseLost(f"trial {self.number} was ended by another process") from None

    def report(self, epoch: int, value: float) -> None:
        """Notes the validation value after an epoch (from 1), and raises what `check` finds."""
        self.check()
        try:
            self.database.retrying(lambda: self.shared.report(value, epoch))
        except UpdateFinishedTrialError:
            raise LeaseLost(f"trial {self.number} was ended by another process") from None
        if self.judge is not self.shared:
            self.judge.report(value, epoch)

    def should_prune(self) -> bool:
        """Whether the last reported value is so low among the other trials that going on is not worth it."""
        pruned = self.database.retrying(self.judge.should_prune)
        self.keep_notes()
        return pruned

    def interrupted(self) -> bool:
        """Whether `check` would raise; for a training loop that polls."""
        try:
            self.check()
        except Exception:
            return True
        return False

    def keep_notes(self) -> None:
        """Successive halving notes in its trial how far it got, CmaEs what it has learnt; later generations need that.

        Without a copy they are written to the study at once.
        """
        if self.judge is self.shared:
            return
        storage, study = self.database.storage, self.shared.study.study_name
        reached = self.judge.study.trials[self.judge.number].system_attrs

        def keep() -> None:
            trial_id = storage.get_trial_id_from_study_id_trial_number(
                storage.get_study_id_from_name(study), self.number
            )
            for name, value in reached.items():
                storage.set_trial_system_attr(trial_id, name, value)

        if reached:
            self.database.retrying(keep)


def suggest_point(trial: optuna.Trial, allowed: SearchSpace) -> dict[str, ParameterValue]:
    """The sampler's value of every parameter that is active."""
    values: dict[str, ParameterValue] = {}
    for name in allowed.sampling_order:
        if allowed.is_active(name, values):
            values[name] = suggest(trial, name, distribution(allowed.dimensions[name]))
    return values


def suggest(trial: optuna.Trial, name: str, found: BaseDistribution) -> ParameterValue:
    """The sampler's value for one parameter."""
    match found:
        case FloatDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_float(name, low, high, step=step, log=log)
        case IntDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_int(name, low, high, step=step, log=log)
        case CategoricalDistribution(choices=choices):
            return str(trial.suggest_categorical(name, choices))
        case _:
            raise TypeError(f"no such distribution: {found!r}")
