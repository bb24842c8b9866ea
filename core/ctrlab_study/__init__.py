"""The shared Optuna study: an exact trial budget for any number of workers, despite crashes."""

from collections.abc import Callable

import optuna

from ctrlab_api.errors import InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.outage_waiting import OutagePatience
from ctrlab_api.plan import Plan
from ctrlab_study import recovery, study_lifecycle, study_progress
from ctrlab_study.database import DEFAULT_PATIENCE, Database
from ctrlab_study.errors import LeaseLost, StudyFailed, StudyUnavailable, TrialFailed, WorkerInterrupted
from ctrlab_study.history import WarmStartTrials
from ctrlab_study.samplers import check_sampler, derived_seed
from ctrlab_study.shared_study import SharedStudy, study_name
from ctrlab_study.slots import Lease, Outcome
from ctrlab_study.study_progress import StudyProgress
from ctrlab_study.study_records import (
    freeze_unsearched,
    inherited_record,
    publish_study,
    record_without_trials,
    trials_csv,
    untuned_record,
)
from ctrlab_study.trials import LeasedTrial
from ctrlab_study.worker import run_trials

__all__ = [
    "Lease",
    "LeaseLost",
    "LeasedTrial",
    "Outcome",
    "SharedStudy",
    "StudyDatabase",
    "StudyFailed",
    "StudyProgress",
    "StudyUnavailable",
    "TrialFailed",
    "WarmStartTrials",
    "WorkerInterrupted",
    "check_sampler",
    "derived_seed",
    "freeze_unsearched",
    "inherited_record",
    "publish_study",
    "record_without_trials",
    "run_trials",
    "trials_csv",
    "untuned_record",
]

# Optuna logs a line for each study and trial, which would bury the worker's own messages.
optuna.logging.set_verbosity(optuna.logging.WARNING)


class StudyDatabase:
    """All studies of all experiments in one database."""

    def __init__(
        self,
        url: str,
        *,
        lease_seconds: float = 60.0,
        patience: OutagePatience = DEFAULT_PATIENCE,
        creates_schema: bool = False,
    ) -> None:
        """`url` is an SQLAlchemy URL: PostgreSQL with psycopg 3, or an SQLite file. Connects only when used.

        `lease_seconds`: a worker that did not renew its lease for this long is lost. `patience`: how long
        transient database errors are retried. `creates_schema`: whether missing tables are created before the first
        use. Raises InvalidInput for other databases.
        """
        self.database = Database(url, patience=patience)
        self._creates_schema = creates_schema
        self.lease_seconds = lease_seconds

    def create_schema(self) -> None:
        """Create the missing tables; any number of processes may do it at once."""
        self.database.create_schema()
        self._creates_schema = False

    def study(
        self,
        key: ExperimentKey,
        plan: Plan,
        variant: str,
        repeat: int = 0,
        warm_start: WarmStartTrials | None = None,
    ) -> SharedStudy:
        """Return the study of one variant, created if it is new; `repeat` counts its independent studies from 0.

        Raises InvalidInput if this installation cannot run the plan's sampler.
        """
        problems = check_sampler(plan, variant)
        if problems:
            raise InvalidInput(problems)
        return SharedStudy.create(self.database, key, plan, variant, self.lease_seconds, repeat, warm_start)

    def raise_trials(self, key: ExperimentKey, plan: Plan, trials: int) -> bool:
        """Raise every study to `trials` slots; if one that would grow is closed, change nothing and return False."""
        budgets = {
            study_name(key, variant, repeat): (variant, plan.study_budget(variant, trials))
            for variant in plan.names
            for repeat in range(plan.tuning.study_count)
            if plan.study_budget(variant) > 0
        }
        self._prepare()
        return self.database.transact(lambda c: study_lifecycle.raise_budgets(c, key.prefix, budgets))

    def progress(self, key: ExperimentKey, plan: Plan) -> dict[str, StudyProgress]:
        """Return the progress of each variant's studies, in the plan's order; one cheap query."""
        self._prepare()
        budgets = {variant: plan.trial_budget(variant) for variant in plan.names}
        return self.database.transact(
            lambda c: study_progress.progress_by_variant(c, key.prefix, budgets, plan.direction)
        )

    def release_lost_workers(self, key: ExperimentKey, is_alive: Callable[[str], bool]) -> int:
        """Free the slots of workers that are gone, end their trials as lost, and return the number of slots."""
        self._prepare()
        return recovery.release_lost_workers(self.database, key.prefix, is_alive, self.lease_seconds)

    def dispose(self) -> None:
        """Close all connections; the object can be used again."""
        self.database.dispose()

    def _prepare(self) -> None:
        if self._creates_schema:
            self.create_schema()
