"""The study of one variant, shared by its workers: lease a slot, ask, train, finish; freeze when all slots are over.

The Optuna trial is written first, then the slot. The process that ends the trial determines its outcome, and the slot
copies it; after a crash between the two writes, the next lease of the slot completes the second one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import optuna
from sqlalchemy import Connection

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_api.records.studies import SearchStop, StudyRecord
from ctrlab_api.schema_types import duration_seconds
from ctrlab_study import slots, study_lifecycle, study_progress
from ctrlab_study.database import Database
from ctrlab_study.errors import LeaseLost, StudyFailed
from ctrlab_study.history import GENERATION_SIZE, WarmStartTrials, generation_start, previous_generations
from ctrlab_study.points import FixedSampler, suggest_point
from ctrlab_study.pruners import pruner_of
from ctrlab_study.recovery import counted_outcome, end_unfinished_trial, recover_slot
from ctrlab_study.samplers import sampler_of_slot
from ctrlab_study.slots import Lease, LeasedSlot, Outcome
from ctrlab_study.study_lifecycle import StudyUsage, reason_to_stop
from ctrlab_study.study_progress import SlotCounts
from ctrlab_study.study_records import package_versions, study_record
from ctrlab_study.trials import SLOT, WORKER, LeasedTrial, Trials


@dataclass(frozen=True)
class SharedStudy:
    """One variant's study in the study database; created by `StudyDatabase.study`."""

    database: Database
    trials: Trials
    plan: Plan
    variant: str
    lease_seconds: float
    repeat: int = 0
    """Index of this study among the variant's independent studies."""
    warm_start: WarmStartTrials | None = None
    """Trials that the sampler learns from before the first trial."""

    @classmethod
    def create(
        cls,
        database: Database,
        key: ExperimentKey,
        plan: Plan,
        variant: str,
        lease_seconds: float,
        repeat: int = 0,
        warm_start: WarmStartTrials | None = None,
    ) -> "SharedStudy":
        """Create the Optuna study and the slots that are missing; many workers may do this at once."""
        name = study_name(key, variant, repeat)
        attributes: dict[str, object] = {"versions": package_versions(), "planDigest": plan.digest}
        trials = Trials.create(database, name, plan.direction, attributes)
        budget = plan.study_budget(variant)
        database.transact(lambda c: study_lifecycle.create(c, name, key.prefix, variant, budget))
        return cls(database, trials, plan, variant, lease_seconds, repeat, warm_start)

    @property
    def name(self) -> str:
        """Name of the Optuna study."""
        return self.trials.study

    def lease(self, worker: str, gpus: int = 0) -> Lease | None:
        """Lease the next slot to run; return None if every slot is over or leased. `gpus`: GPUs of the worker.

        Raises StudyFailed if too many trials failed or the time limit is exceeded.
        """
        self.check()
        while (next_slot := self.database.transact(lambda c: self._lease_next(c, worker, gpus))) is not None:
            leased, is_stopped = next_slot
            lease = recover_slot(self.database, self.trials, leased, "its worker stopped renewing its lease")
            if lease is not None and not is_stopped:
                return lease
            if lease is not None:
                self.database.transact(lambda c, lease=lease: slots.skip(c, lease))  # type: ignore[misc]
            self.check()
        return None

    def is_over(self) -> bool:
        """Return whether every slot is over."""
        return self._counts().is_over

    def close(self) -> bool:
        """Close the study if every slot is over, and return whether it is closed; no slot can be added afterwards."""
        return self.database.transact(lambda c: study_lifecycle.close(c, self.name, self.database.now))

    def renew(self, lease: Lease) -> None:
        """Extend the lease; LeaseLost if another worker has the slot, StudyFailed if the study has failed."""
        if not self.database.transact(lambda c: slots.renew(c, lease, self.database.now, self.lease_seconds)):
            raise LeaseLost(f"slot {lease.slot} of {self.variant} belongs to another worker")
        self.check()

    def ask(self, lease: Lease, check: Callable[[], None] = lambda: None) -> LeasedTrial:
        """Start the trial of a leased slot and suggest its parameters; LeaseLost if the lease was lost meanwhile."""
        uses_populations = self.plan.tuning.sampler == "CmaEs"
        source = self.warm_start.numeric_trials() if self.warm_start is not None and uses_populations else []
        sampler = sampler_of_slot(self.plan, self.variant, lease.slot, self.repeat, source)
        pruner = pruner_of(self.plan, self.variant)
        space = self.plan.variant(self.variant).search_space
        copy = None
        if self.plan.tuning.mode == "Synchronous":
            copy = self._trial_after_previous_generations(lease.slot, sampler, pruner)
        if self.warm_start is not None and not uses_populations:
            trials = self.trials.all() if copy is None else copy.study.get_trials(deepcopy=False)[:-1]
            new_sampler = sampler_of_slot(self.plan, self.variant, lease.slot, self.repeat)
            warm_trial = self.warm_start.ask_after(trials, self.plan.direction, new_sampler)
            sampler = FixedSampler(suggest_point(warm_trial, space))
        elif copy is not None:
            sampler = FixedSampler(suggest_point(copy, space))
        trial = self.database.retry(self.trials.load(sampler, pruner).ask)
        self.database.retry(lambda: trial.set_user_attr(SLOT, lease.slot))
        self.database.retry(lambda: trial.set_user_attr(WORKER, lease.worker))
        if not self.database.transact(lambda c: slots.record_trial(c, lease, trial.number)):
            self.trials.end_as_lost(trial.number, "its worker's lease was lost before the trial began")
            raise LeaseLost(f"slot {lease.slot} of {self.variant} belongs to another worker")
        point = self.database.retry(lambda: suggest_point(trial, space))
        leased_trial = LeasedTrial(trial.number, lease.slot, point, self.trials, trial, copy or trial, check)
        leased_trial.store_system_attributes()
        return leased_trial

    def finish(self, lease: Lease, trial: LeasedTrial, outcome: Outcome) -> None:
        """End the trial and mark its slot done; LeaseLost if another worker has the slot, so nothing counts twice."""
        counted = counted_outcome(self.trials.tell(trial.number, outcome))
        if counted is None or not self.database.transact(
            lambda c: slots.finish(c, lease, trial.number, counted, self.database.now)
        ):
            raise LeaseLost(f"slot {lease.slot} of {self.variant} was leased to another worker")

    def release(self, lease: Lease, trial: LeasedTrial | None, reason: str) -> None:
        """Free the slot for another worker; not counted as a loss, because the worker released the slot itself."""
        if trial is not None:
            ended = end_unfinished_trial(self.trials, trial.number, reason)
            if ended is not None:
                self.database.transact(lambda c: slots.finish(c, lease, trial.number, ended, self.database.now))
                return
        self.database.transact(lambda c: slots.release(c, lease))

    def check(self) -> None:
        """Raise StudyFailed if more trials failed than allowed, or if the study exceeded its time limit."""
        counts, tuning = self._counts(), self.plan.tuning
        if counts.failed > tuning.max_failed_trials:
            raise StudyFailed(
                self.variant,
                f"{counts.failed} of {counts.done} finished trials failed, and tuning.maxFailedTrials is "
                f"{tuning.max_failed_trials}; the last one: {counts.last_failure}",
            )
        limit = duration_seconds(tuning.timeout) if tuning.timeout else None
        if limit is not None and counts.elapsed > limit and not counts.is_over:
            raise StudyFailed(
                self.variant,
                f"{counts.done} of {counts.budget} trials were finished within tuning.timeout {tuning.timeout}; "
                "allow more time or more workers",
            )

    def freeze(self, dataset_digest: str) -> StudyRecord:
        """Return the record of the finished study, the same in every process; StudyFailed if no trial is complete.

        Raises ValueError while a slot is open. Trials that still appear to run belong to no worker, and are ended.
        """
        self.check()
        if not self.close():
            counts = self._counts()
            raise ValueError(f"the study of {self.variant} has {counts.done} of {counts.budget} slots done")
        results = self.database.transact(lambda c: study_progress.trial_of_slot(c, self.name))
        budget = self.database.transact(lambda c: study_progress.count_slots(c, self.name))
        stop = self.database.transact(lambda c: study_lifecycle.recorded_stop(c, self.name))
        for trial in self.trials.all():
            if not trial.state.is_finished():
                self.trials.end_as_lost(trial.number, "its worker was lost or had lost its lease")
        return study_record(
            self.plan,
            self.variant,
            dataset_digest,
            self.trials.all(),
            results,
            self._recorded_versions(),
            budget,
            SearchStop(rule=stop.rule, reason=stop.reason) if stop else None,
            self.warm_start.record if self.warm_start else None,
        )

    def _lease_next(self, connection: Connection, worker: str, gpus: int) -> tuple[LeasedSlot, bool] | None:
        """Lease the next slot; the flag is True if it must not run because the study is stopped."""
        start = None
        if self.plan.tuning.mode == "Synchronous":
            first = study_progress.first_open_slot(connection, self.name)
            start = generation_start(first) if first is not None else 0
        is_stopped = self._is_stopped(connection, start)
        if is_stopped:
            slots.skip_free(connection, self.name)
        below = start + GENERATION_SIZE if start is not None and not is_stopped else None
        leased = slots.lease_next(connection, self.name, worker, self.database.now, self.lease_seconds, below, gpus)
        return (leased, is_stopped) if leased is not None else None

    def _is_stopped(self, connection: Connection, start: int | None) -> bool:
        """Return whether a rule of `tuning.stop` applies now or applied before.

        `start`: first slot of the current generation in Synchronous mode; slots from there on are ignored, because
        some of them may have started.
        """
        rules = self.plan.tuning.stop
        if rules is None:
            return False
        if study_lifecycle.recorded_stop(connection, self.name) is not None:
            return True
        counts = study_progress.count_by_state(connection, self.name, self.database.now)
        usage = StudyUsage(
            counts.elapsed,
            study_progress.gpu_seconds(connection, self.name) if rules.gpu_time else 0.0,
            study_progress.finished_slots(connection, self.name, start),
        )
        stop = reason_to_stop(rules, usage, counts.budget, self.plan.direction)
        if stop is not None:
            study_lifecycle.record_stop(connection, self.name, stop)
        return stop is not None

    def _trial_after_previous_generations(
        self, slot: int, sampler: optuna.samplers.BaseSampler, pruner: optuna.pruners.BasePruner
    ) -> optuna.Trial:
        by_number = {trial.number: trial for trial in self.trials.all()}
        results = self.database.transact(lambda c: study_progress.trial_of_slot(c, self.name))
        done = {index: by_number.get(number) if number is not None else None for index, number in results.items()}
        return previous_generations(slot, done, self.plan.direction, sampler, pruner).ask()

    def _counts(self) -> SlotCounts:
        return self.database.transact(lambda c: study_progress.count_by_state(c, self.name, self.database.now))

    def _recorded_versions(self) -> dict[str, str]:
        recorded: dict[str, str] = self.database.retry(lambda: self.trials.load().user_attrs["versions"])
        return recorded


def study_name(key: ExperimentKey, variant: str, repeat: int = 0) -> str:
    """Return the name of the Optuna study; a repeated study has its number, from 2, after a slash."""
    return f"{key.prefix}/{variant}" + (f"/{repeat + 1}" if repeat else "")
