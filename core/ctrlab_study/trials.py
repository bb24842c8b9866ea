"""Optuna's side of a slot: its trials, and what to make of one whose worker is gone.

A trial carries user attributes: `slot`, `worker`, the `device` it was trained on, and `lost` or `failure` with the
reason why it has no value. A trial that ended without any of the last two but with a value was told by its own worker,
and counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from ctrlab_study.database import Database
from ctrlab_study.direction import Direction
from ctrlab_study.slots import Outcome

SLOT: Final = "slot"
WORKER: Final = "worker"
DEVICE: Final = "device"
LOST: Final = "lost"
FAILURE: Final = "failure"


@dataclass(frozen=True)
class Trials:
    """The Optuna trials of one study, which any process may settle."""

    database: Database
    study: str

    @classmethod
    def create(cls, database: Database, study: str, direction: Direction, facts: dict[str, object]) -> "Trials":
        """Makes the Optuna study unless it exists, with `facts` as its user attributes."""

        def make() -> None:
            made = optuna.create_study(
                storage=database.storage, study_name=study, direction=direction, load_if_exists=True
            )
            known = made.user_attrs
            for name, value in facts.items():
                if name not in known:
                    made.set_user_attr(name, value)

        database.retrying(make)
        return cls(database, study)

    def load(
        self, sampler: optuna.samplers.BaseSampler | None = None, pruner: optuna.pruners.BasePruner | None = None
    ) -> optuna.Study:
        """The study with a sampler and a pruner of its own."""
        return self.database.retrying(
            lambda: optuna.load_study(
                study_name=self.study,
                storage=self.database.storage,
                # Optuna would choose defaults with warnings of their own; neither is used where none is given.
                sampler=sampler or optuna.samplers.RandomSampler(),
                pruner=pruner or optuna.pruners.NopPruner(),
            )
        )

    def all(self) -> list[FrozenTrial]:
        """Every trial by number."""
        study = self.load()
        return self.database.retrying(lambda: sorted(study.get_trials(deepcopy=False), key=lambda t: t.number))

    def tell(self, number: int, outcome: Outcome) -> FrozenTrial:
        """Ends a trial and returns it as it is then: whoever ends a trial first decides how it ended."""
        if outcome.state == "FAIL":
            self.annotate(number, FAILURE, outcome.reason or "no reason was given")
        return self._end(number, TrialState[outcome.state], outcome.value if outcome.state == "COMPLETE" else None)

    def lose(self, number: int, reason: str) -> FrozenTrial:
        """Ends a trial whose worker is gone, unless it has ended by itself."""
        self.annotate(number, LOST, reason)
        return self._end(number, TrialState.FAIL, None)

    def settle(self, number: int, reason: str) -> Outcome | None:
        """How a trial that its worker left behind ended; None if it did not end, and then it is told as lost."""
        return counted_outcome(self.lose(number, reason))

    def annotate(self, number: int, name: str, value: object) -> None:
        """Sets a user attribute; a trial that has ended keeps those it has."""
        self._on(number, lambda trial_id: self.database.storage.set_trial_user_attr(trial_id, name, value))

    def _end(self, number: int, state: TrialState, value: float | None) -> FrozenTrial:
        study = self.load()

        def end() -> FrozenTrial:
            try:
                return study.tell(number, value, state=state, skip_if_finished=True)
            except UpdateFinishedTrialError:
                return self._read(number)

        return self.database.retrying(end)

    def _read(self, number: int) -> FrozenTrial:
        storage = self.database.storage
        return self.database.retrying(lambda: storage.get_trial(self._id(number)))

    def _id(self, number: int) -> int:
        storage = self.database.storage
        return storage.get_trial_id_from_study_id_trial_number(storage.get_study_id_from_name(self.study), number)

    def _on(self, number: int, work: Callable[[int], None]) -> None:
        def attempt() -> None:
            try:
                work(self._id(number))
            except UpdateFinishedTrialError:
                return

        self.database.retrying(attempt)


def counted_outcome(trial: FrozenTrial) -> Outcome | None:
    """The outcome of a trial that its own worker has ended; None of one that is running or was lost."""
    match trial.state:
        case TrialState.COMPLETE:
            return Outcome("COMPLETE", trial.value)
        case TrialState.PRUNED:
            return Outcome("PRUNED")
        case TrialState.FAIL if FAILURE in trial.user_attrs:
            return Outcome("FAIL", reason=str(trial.user_attrs[FAILURE]))
        case _:
            return None
