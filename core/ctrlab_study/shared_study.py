"""The search of one variant as its workers share it: lease a slot, ask, train, finish; freeze when all are done.

The slot and the Optuna trial are written one after the other, the trial first. Whoever ends the trial decides how it
ended, and the slot follows; a crash between the two is put right by the next lease of the slot.
"""

from collections.abc import Callable
from dataclasses import dataclass

import optuna
from sqlalchemy import Connection

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.records.studies import SearchStop, StudyRecord
from ctrlab_api.schema_types import duration_seconds
from ctrlab_study import slots, study_lifecycle
from ctrlab_study.database import Database
from ctrlab_study.direction import Direction, direction_of
from ctrlab_study.errors import LeaseLost, StudyFailed
from ctrlab_study.generations import GENERATION, earlier_generations, generation_start
from ctrlab_study.history import WarmStartTrials
from ctrlab_study.leased_trial import LeasedTrial, suggest_point
from ctrlab_study.points import FixedSampler
from ctrlab_study.pruners import pruner_of
from ctrlab_study.recovery import recover
from ctrlab_study.samplers import sampler_of_slot
from ctrlab_study.slots import Claim, Lease, Outcome, SlotCounts
from ctrlab_study.stop_rules import StudyUsage, reason_to_stop
from ctrlab_study.study_records import study_record, versions
from ctrlab_study.trials import SLOT, WORKER, Trials, counted_outcome


@dataclass(frozen=True)
class SharedStudy:
    """One variant's search in the study database; made by `StudyDatabase.study`."""

    database: Database
    trials: Trials
    plan: Plan
    variant: str
    direction: Direction
    lease_seconds: float
    repeat: int = 0
    """Which of the variant's independent searches."""
    earlier: WarmStartTrials | None = None
    """What the sampler knows before the first trial."""

    @classmethod
    def create(
        cls,
        database: Database,
        key: ExperimentKey,
        plan: Plan,
        variant: str,
        lease_seconds: float,
        repeat: int = 0,
        earlier: WarmStartTrials | None = None,
    ) -> "SharedStudy":
        """Makes the Optuna study and the slots; harmless where they exist, and for many workers at once."""
        name = study_name(key, variant, repeat)
        direction = direction_of(plan)
        facts: dict[str, object] = {"versions": versions(), "planDigest": plan.digest}
        trials = Trials.create(database, name, direction, facts)
        budget = plan.study_budget(variant)
        database.transact(lambda c: study_lifecycle.ensure(c, name, key.prefix, variant, budget))
        return cls(database, trials, plan, variant, direction, lease_seconds, repeat, earlier)

    @property
    def name(self) -> str:
        """Of the Optuna study."""
        return self.trials.study

    def lease(self, worker: str, gpus: int = 0) -> Lease | None:
        """The next slot to run, or None if all are over or held by others; `gpus`: how many the worker holds.

        Raises SearchFailed if too many trials failed or the time is over.
        """
        self.check()
        while (found := self.database.transact(lambda c: self._claim(c, worker, gpus))) is not None:
            claim, is_stopped = found
            lease = recover(self.database, self.trials, claim, "its worker stopped renewing its lease")
            if lease is not None and not is_stopped:
                return lease
            if lease is not None:
                self.database.transact(lambda c, lease=lease: slots.skip(c, lease))  # type: ignore[misc]
            self.check()
        return None

    def exhausted(self) -> bool:
        """Whether every slot is over."""
        return self._tally().is_over

    def close(self) -> bool:
        """Whether every slot is over; where it says yes, no slot can be added any more."""
        return self.database.transact(lambda c: study_lifecycle.close(c, self.name, self.database.now))

    def renew(self, lease: Lease) -> None:
        """Prolongs the lease; LeaseLost if another has the slot, SearchFailed if the search is over."""
        if not self.database.transact(lambda c: slots.renew(c, lease, self.database.now, self.lease_seconds)):
            raise LeaseLost(f"slot {lease.slot} of {self.variant} belongs to another worker")
        self.check()

    def ask(self, lease: Lease, check: Callable[[], None] = lambda: None) -> LeasedTrial:
        """The trial of a leased slot, with its parameters; LeaseLost if the lease was lost meanwhile."""
        by_populations = self.plan.tuning.sampler == "CmaEs"
        source = self.earlier.of_numbers() if self.earlier is not None and by_populations else []
        sampler = sampler_of_slot(self.plan, self.variant, lease.slot, self.repeat, source)
        pruner = pruner_of(self.plan, self.variant)
        allowed = self.plan.variant(self.variant).search_space
        judge = None
        if self.plan.tuning.mode == "Synchronous":
            judge = self._judge(lease.slot, sampler, pruner)
        if self.earlier is not None and not by_populations:
            known = self.trials.all() if judge is None else judge.study.get_trials(deepcopy=False)[:-1]
            fresh = sampler_of_slot(self.plan, self.variant, lease.slot, self.repeat)
            sampler = FixedSampler(suggest_point(self.earlier.continued(known, self.direction, fresh), allowed))
        elif judge is not None:
            sampler = FixedSampler(suggest_point(judge, allowed))
        trial = self.database.retrying(self.trials.load(sampler, pruner).ask)
        self.database.retrying(lambda: trial.set_user_attr(SLOT, lease.slot))
        self.database.retrying(lambda: trial.set_user_attr(WORKER, lease.worker))
        if not self.database.transact(lambda c: slots.record_trial(c, lease, trial.number)):
            self.trials.lose(trial.number, "its worker's lease was lost before it began")
            raise LeaseLost(f"slot {lease.slot} of {self.variant} belongs to another worker")
        values = self.database.retrying(lambda: suggest_point(trial, allowed))
        asked = LeasedTrial(trial.number, lease.slot, values, self.database, trial, judge or trial, check)
        asked.keep_notes()
        return asked

    def finish(self, lease: Lease, trial: LeasedTrial, outcome: Outcome) -> None:
        """Ends the trial and fills its slot; LeaseLost if another worker has the slot; nothing counts twice."""
        counted = counted_outcome(self.trials.tell(trial.number, outcome))
        if counted is None or not self.database.transact(
            lambda c: slots.finish(c, lease, trial.number, counted, self.database.now)
        ):
            raise LeaseLost(f"slot {lease.slot} of {self.variant} was given to another worker")

    def give_back(self, lease: Lease, trial: LeasedTrial | None, reason: str) -> None:
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
            raise StudyFailed(
                self.variant,
                f"{tally.failed} of {tally.done} finished trials failed, and tuning.maxFailedTrials is "
                f"{tuning.max_failed_trials}; the last one: {tally.last_failure}",
            )
        limit = duration_seconds(tuning.timeout) if tuning.timeout else None
        if limit is not None and tally.elapsed > limit and not tally.is_over:
            raise StudyFailed(
                self.variant,
                f"{tally.done} of {tally.budget} trials were finished within tuning.timeout {tuning.timeout}; "
                "allow more time or more workers",
            )

    def freeze(self, dataset_digest: str) -> StudyRecord:
        """The record of the finished search, the same whoever makes it; SearchFailed if no trial is complete.

        Raises ValueError while a slot is open. Trials that still seem to run belong to nobody by then and are ended.
        """
        self.check()
        if not self.close():
            tally = self._tally()
            raise ValueError(f"the search of {self.variant} has {tally.done} of {tally.budget} slots done")
        results = self.database.transact(lambda c: slots.results(c, self.name))
        budget = self.database.transact(lambda c: slots.count(c, self.name))
        stopped = self.database.transact(lambda c: study_lifecycle.stopped(c, self.name))
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
            budget,
            SearchStop(rule=stopped.rule, reason=stopped.reason) if stopped else None,
            self.earlier.record if self.earlier else None,
        )

    def _claim(self, connection: Connection, worker: str, gpus: int) -> tuple[Claim, bool] | None:
        """The next slot, and whether it may not be run because the search is stopped."""
        start = None
        if self.plan.tuning.mode == "Synchronous":
            first = slots.first_open(connection, self.name)
            start = generation_start(first) if first is not None else 0
        is_stopped = self._is_stopped(connection, start)
        if is_stopped:
            slots.skip_free(connection, self.name)
        below = start + GENERATION if start is not None and not is_stopped else None
        claim = slots.claim(connection, self.name, worker, self.database.now, self.lease_seconds, below, gpus)
        return (claim, is_stopped) if claim is not None else None

    def _is_stopped(self, connection: Connection, start: int | None) -> bool:
        """Whether a rule of `tuning.stop` holds now or held before.

        `start`: of the current generation in Synchronous mode; what it finds out may not decide, for some of its slots
        have begun.
        """
        rules = self.plan.tuning.stop
        if rules is None:
            return False
        if study_lifecycle.stopped(connection, self.name) is not None:
            return True
        tally = slots.tally(connection, self.name, self.database.now)
        spent = StudyUsage(
            tally.elapsed,
            study_lifecycle.gpu_seconds(connection, self.name) if rules.gpu_time else 0.0,
            study_lifecycle.finished(connection, self.name, start),
        )
        why = reason_to_stop(rules, spent, tally.budget, self.direction)
        if why is not None:
            study_lifecycle.stop(connection, self.name, why)
        return why is not None

    def _judge(
        self, slot: int, sampler: optuna.samplers.BaseSampler, pruner: optuna.pruners.BasePruner
    ) -> optuna.Trial:
        numbered = {trial.number: trial for trial in self.trials.all()}
        results = self.database.transact(lambda c: slots.results(c, self.name))
        done = {index: numbered.get(number) if number is not None else None for index, number in results.items()}
        return earlier_generations(slot, done, self.direction, sampler, pruner).ask()

    def _tally(self) -> SlotCounts:
        return self.database.transact(lambda c: slots.tally(c, self.name, self.database.now))

    def _recorded_versions(self) -> dict[str, str]:
        recorded: dict[str, str] = self.database.retrying(lambda: self.trials.load().user_attrs["versions"])
        return recorded


def study_name(key: ExperimentKey, variant: str, repeat: int = 0) -> str:
    """Of the Optuna study of one variant's search; a repeated one has its number, from 2, after a slash."""
    return f"{key.prefix}/{variant}" + (f"/{repeat + 1}" if repeat else "")
