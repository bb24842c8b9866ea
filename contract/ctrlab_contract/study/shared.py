"""The search of one variant as its workers share it: lease a slot, ask, train, finish; freeze when all are done.

The slot and the Optuna trial are written one after the other, the trial first. Whoever ends the trial decides how it
ended, and the slot follows; a crash between the two is put right by the next lease of the slot.
"""

from collections.abc import Callable
from dataclasses import dataclass

import optuna
from sqlalchemy import Connection

from ctrlab_contract.base import seconds
from ctrlab_contract.plan import ExperimentKey, Plan
from ctrlab_contract.records.study import StudyRecord
from ctrlab_contract.study import slots
from ctrlab_contract.study.database import Database
from ctrlab_contract.study.direction import Direction, direction_of
from ctrlab_contract.study.errors import LeaseLost, SearchFailed
from ctrlab_contract.study.freeze import study_record, versions
from ctrlab_contract.study.generations import GENERATION, earlier_generations, generation_start
from ctrlab_contract.study.pruners import pruner_of
from ctrlab_contract.study.recovery import recover
from ctrlab_contract.study.samplers import Fixed, sampler_of_slot
from ctrlab_contract.study.slots import Claim, Lease, Outcome, Tally
from ctrlab_contract.study.spaces import space
from ctrlab_contract.study.trial import SearchTrial, suggest
from ctrlab_contract.study.trials import SLOT, WORKER, Trials, counted_outcome


@dataclass(frozen=True)
class SharedStudy:
    """One variant's search in the study database; made by `StudyDatabase.study`."""

    database: Database
    trials: Trials
    plan: Plan
    variant: str
    direction: Direction
    lease_seconds: float

    @classmethod
    def create(
        cls,
        database: Database,
        key: ExperimentKey,
        plan: Plan,
        variant: str,
        lease_seconds: float,
    ) -> "SharedStudy":
        """Makes the Optuna study and the slots; harmless where they exist, and for many workers at once."""
        name = study_name(key, variant)
        direction = direction_of(plan)
        facts: dict[str, object] = {"versions": versions(), "planDigest": plan.digest}
        trials = Trials.create(database, name, direction, facts)
        budget = plan.trial_budget(variant)
        database.transact(lambda c: slots.ensure(c, name, key.prefix, variant, budget))
        return cls(database, trials, plan, variant, direction, lease_seconds)

    @property
    def name(self) -> str:
        """Of the Optuna study."""
        return self.trials.study

    def lease(self, worker: str) -> Lease | None:
        """The next slot to run, or None if all are done or held by others.

        Raises SearchFailed if too many trials failed or the time is over.
        """
        self.check()
        while (claim := self.database.transact(lambda c: self._claim(c, worker))) is not None:
            lease = recover(self.database, self.trials, claim, "its worker stopped renewing its lease")
            if lease is not None:
                return lease
            self.check()
        return None

    def exhausted(self) -> bool:
        """Whether every slot is done."""
        tally = self._tally()
        return tally.done == tally.budget

    def renew(self, lease: Lease) -> None:
        """Prolongs the lease; LeaseLost if another has the slot, SearchFailed if the search is over."""
        if not self.database.transact(lambda c: slots.renew(c, lease, self.database.now, self.lease_seconds)):
            raise LeaseLost(f"slot {lease.slot} of {self.variant} belongs to another worker")
        self.check()

    def ask(self, lease: Lease, check: Callable[[], None] = lambda: None) -> SearchTrial:
        """The trial of a leased slot, with its parameters; LeaseLost if the lease was lost meanwhile."""
        sampler, pruner = sampler_of_slot(self.plan, self.variant, lease.slot), pruner_of(self.plan, self.variant)
        dimensions = space(self.plan.variant(self.variant).search)
        judge = None
        if self.plan.tuning.mode == "Synchronous":
            judge = self._judge(lease.slot, sampler, pruner)
            sampler = Fixed({name: suggest(judge, name, found) for name, found in dimensions.items()})
        trial = self.database.retrying(self.trials.load(sampler, pruner).ask)
        self.database.retrying(lambda: trial.set_user_attr(SLOT, lease.slot))
        self.database.retrying(lambda: trial.set_user_attr(WORKER, lease.worker))
        if not self.database.transact(lambda c: slots.record_trial(c, lease, trial.number)):
            self.trials.lose(trial.number, "its worker's lease was lost before it began")
            raise LeaseLost(f"slot {lease.slot} of {self.variant} belongs to another worker")
        values = self.database.retrying(
            lambda: {name: suggest(trial, name, found) for name, found in dimensions.items()}
        )
        return SearchTrial(trial.number, lease.slot, values, self.database, trial, judge or trial, check)

    def finish(self, lease: Lease, trial: SearchTrial, outcome: Outcome) -> None:
        """Ends the trial and fills its slot; LeaseLost if another worker has the slot; nothing counts twice."""
        counted = counted_outcome(self.trials.tell(trial.number, outcome))
        if counted is None or not self.database.transact(
            lambda c: slots.finish(c, lease, trial.number, counted, self.database.now)
        ):
            raise LeaseLost(f"slot {lease.slot} of {self.variant} was given to another worker")

    def give_back(self, lease: Lease, trial: SearchTrial | None, reason: str) -> None:
        """Frees the slot for somebody else; counts as no loss, because the worker could still say so."""
        if trial is not None:
            ended = self.trials.settle(trial.number, reason)
            if ended is not None:
                self.database.transact(lambda c: slots.finish(c, lease, trial.number, ended, self.database.now))
                return
        self.database.transact(lambda c: slots.free(c, lease))

    def check(self) -> None:
        """SearchFailed if more trials failed than allowed, or the search took longer than it may."""
        tally, tuning = self._tally(), self.plan.tuning
        if tally.failed > tuning.max_failed_trials:
            raise SearchFailed(
                self.variant,
                f"{tally.failed} of {tally.done} finished trials failed, and tuning.maxFailedTrials is "
                f"{tuning.max_failed_trials}; the last one: {tally.last_failure}",
            )
        limit = seconds(tuning.timeout) if tuning.timeout else None
        if limit is not None and tally.elapsed > limit and tally.done < tally.budget:
            raise SearchFailed(
                self.variant,
                f"{tally.done} of {tally.budget} trials were finished within tuning.timeout {tuning.timeout}; "
                "allow more time or more workers",
            )

    def freeze(self, dataset_digest: str) -> StudyRecord:
        """The record of the finished search, the same whoever makes it; SearchFailed if no trial is complete.

        Raises ValueError while a slot is open. Trials that still seem to run belong to nobody by then and are ended.
        """
        self.check()
        results = self.database.transact(lambda c: slots.results(c, self.name))
        budget = self.plan.trial_budget(self.variant)
        if len(results) < budget:
            raise ValueError(f"the search of {self.variant} has {len(results)} of {budget} slots done")
        for trial in self.trials.all():
            if not trial.state.is_finished():
                self.trials.lose(trial.number, "its worker was lost or had lost its lease")
        return study_record(
            self.plan,
            self.variant,
            dataset_digest,
            self.direction,
            self.trials.all(),
            results,
            self._recorded_versions(),
        )

    def _claim(self, connection: Connection, worker: str) -> Claim | None:
        below = None
        if self.plan.tuning.mode == "Synchronous":
            first = slots.first_open(connection, self.name)
            below = generation_start(first) + GENERATION if first is not None else 0
        return slots.claim(connection, self.name, worker, self.database.now, self.lease_seconds, below)

    def _judge(
        self, slot: int, sampler: optuna.samplers.BaseSampler, pruner: optuna.pruners.BasePruner
    ) -> optuna.Trial:
        numbered = {trial.number: trial for trial in self.trials.all()}
        results = self.database.transact(lambda c: slots.results(c, self.name))
        done = {index: numbered.get(number) if number is not None else None for index, number in results.items()}
        return earlier_generations(slot, done, self.direction, sampler, pruner).ask()

    def _tally(self) -> Tally:
        return self.database.transact(lambda c: slots.tally(c, self.name, self.database.now))

    def _recorded_versions(self) -> dict[str, str]:
        recorded: dict[str, str] = self.database.retrying(lambda: self.trials.load().user_attrs["versions"])
        return recorded


def study_name(key: ExperimentKey, variant: str) -> str:
    """Of the Optuna study of one variant."""
    return f"{key.prefix}/{variant}"
