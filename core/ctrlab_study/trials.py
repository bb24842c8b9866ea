"""Optuna's side of a slot: the trials of a study, and one trial as an objective sees it.

A trial has these user attributes: `slot`, `worker`, the `device` it was trained on, and `lost` or `failure` with the
reason why it has no value. A trial that ended with a value and without `lost` and `failure` was ended by its own
worker, and counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from ctrlab_api.metrics import Direction
from ctrlab_api.records.studies import ParameterValue
from ctrlab_study.database import Database
from ctrlab_study.errors import LeaseLost
from ctrlab_study.slots import Outcome

SLOT: Final = "slot"
WORKER: Final = "worker"
DEVICE: Final = "device"
LOST: Final = "lost"
FAILURE: Final = "failure"


@dataclass(frozen=True)
class Trials:
    """The Optuna trials of one study; any process may end them."""

    database: Database
    study: str

    @classmethod
    def create(cls, database: Database, study: str, direction: Direction, attributes: dict[str, object]) -> "Trials":
        """Create the Optuna study unless it exists, with these user attributes."""

        def create() -> None:
            optuna_study = optuna.create_study(
                storage=database.storage, study_name=study, direction=direction, load_if_exists=True
            )
            existing = optuna_study.user_attrs
            for name, value in attributes.items():
                if name not in existing:
                    optuna_study.set_user_attr(name, value)

        database.retry(create)
        return cls(database, study)

    def load(
        self, sampler: optuna.samplers.BaseSampler | None = None, pruner: optuna.pruners.BasePruner | None = None
    ) -> optuna.Study:
        """Load the Optuna study with this sampler and pruner."""
        return self.database.retry(
            lambda: optuna.load_study(
                study_name=self.study,
                storage=self.database.storage,
                # Optuna's defaults would emit warnings; a study that is loaded without a sampler suggests nothing.
                sampler=sampler or optuna.samplers.RandomSampler(),
                pruner=pruner or optuna.pruners.NopPruner(),
            )
        )

    def all(self) -> list[FrozenTrial]:
        """Return every trial, by number."""
        study = self.load()
        return self.database.retry(lambda: sorted(study.get_trials(deepcopy=False), key=lambda t: t.number))

    def tell(self, number: int, outcome: Outcome) -> FrozenTrial:
        """End a trial and return it as it is afterwards: the first to end a trial decides how it ended."""
        if outcome.state == "FAIL":
            self.annotate(number, FAILURE, outcome.reason or "no reason was given")
        return self._end(number, TrialState[outcome.state], outcome.value if outcome.state == "COMPLETE" else None)

    def end_as_lost(self, number: int, reason: str) -> FrozenTrial:
        """End a trial whose worker is gone, unless it has ended, and return it as it is afterwards."""
        self.annotate(number, LOST, reason)
        return self._end(number, TrialState.FAIL, None)

    def annotate(self, number: int, name: str, value: object) -> None:
        """Set a user attribute; the attributes of an ended trial do not change."""
        self._change(number, lambda trial_id: self.database.storage.set_trial_user_attr(trial_id, name, value))

    def copy_system_attributes(self, number: int, attributes: dict[str, Any]) -> None:
        """Set what a sampler or pruner noted in a copy of the trial."""

        def write(trial_id: int) -> None:
            for name, value in attributes.items():
                self.database.storage.set_trial_system_attr(trial_id, name, value)

        self.database.retry(lambda: write(self._id(number)))

    def _end(self, number: int, state: TrialState, value: float | None) -> FrozenTrial:
        study = self.load()

        def end() -> FrozenTrial:
            try:
                return study.tell(number, value, state=state, skip_if_finished=True)
            except UpdateFinishedTrialError:
                return self.database.storage.get_trial(self._id(number))

        return self.database.retry(end)

    def _id(self, number: int) -> int:
        storage = self.database.storage
        return storage.get_trial_id_from_study_id_trial_number(storage.get_study_id_from_name(self.study), number)

    def _change(self, number: int, change: Callable[[int], None]) -> None:
        def attempt() -> None:
            try:
                change(self._id(number))
            except UpdateFinishedTrialError:
                return

        self.database.retry(attempt)


@dataclass(frozen=True)
class LeasedTrial:
    """The trial of a leased slot, as an objective sees it: parameters, reports, and the decision to prune."""

    number: int
    slot: int
    parameters: dict[str, ParameterValue]
    trials: Trials
    stored: optuna.Trial
    """The trial in the study database."""
    compared: optuna.Trial
    """The trial that the pruner sees: `stored`, or its copy in a study of previous generations."""
    check: Callable[[], None] = lambda: None
    """Raises LeaseLost, StudyFailed or WorkerInterrupted if the trial must end."""

    def record_device(self, device: str) -> None:
        """Record the kind of device before training starts, because a lost trial has used it as well."""
        self._write(lambda: self.stored.set_user_attr(DEVICE, device))

    def report(self, epoch: int, value: float) -> None:
        """Record the validation value after an epoch (from 1); raise what `check` raises."""
        self.check()
        self._write(lambda: self.stored.report(value, epoch))
        if self.compared is not self.stored:
            self.compared.report(value, epoch)

    def should_prune(self) -> bool:
        """Return whether the pruner ends the trial, from the values reported so far and those of other trials."""
        is_pruned = self.trials.database.retry(self.compared.should_prune)
        self.store_system_attributes()
        return is_pruned

    def is_interrupted(self) -> bool:
        """Return whether `check` would raise, for a training loop that polls."""
        try:
            self.check()
        except Exception:
            return True
        return False

    def store_system_attributes(self) -> None:
        """Copy the system attributes of `compared` into the study: later generations need them.

        Successive halving records there which rung a trial reached, CmaEs what it learned. Without a copy they are
        written to the study at once.
        """
        if self.compared is self.stored:
            return
        attributes = self.compared.study.trials[self.compared.number].system_attrs
        if attributes:
            self.trials.copy_system_attributes(self.number, attributes)

    def _write(self, write: Callable[[], None]) -> None:
        try:
            self.trials.database.retry(write)
        except UpdateFinishedTrialError:
            raise LeaseLost(f"trial {self.number} was ended by another process") from None
