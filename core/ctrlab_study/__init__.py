"""The shared Optuna study: an exact trial budget for any number of workers, whatever crashes."""

from collections.abc import Callable

import optuna

from ctrlab_api.errors import InvalidInput
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.plan import Plan
from ctrlab_study import lost_workers, study_lifecycle
from ctrlab_study import study_progress as progress_query
from ctrlab_study.database import Database
from ctrlab_study.direction import direction_of
from ctrlab_study.errors import LeaseLost, StudyFailed, StudyUnavailable, TrialFailed, WorkerInterrupted
from ctrlab_study.history import WarmStartTrials
from ctrlab_study.inherited_records import inherited_record
from ctrlab_study.leased_trial import LeasedTrial
from ctrlab_study.samplers import check_sampler, derived_seed
from ctrlab_study.shared_study import SharedStudy, study_name
from ctrlab_study.slots import Lease, Outcome
from ctrlab_study.study_progress import StudyProgress
from ctrlab_study.study_records import trials_csv, untuned_record
from ctrlab_study.unsearched import freeze_unsearched, publish_study, unsearched
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
    "run_trials",
    "trials_csv",
    "unsearched",
    "untuned_record",
]

# One line for each study and trial would drown what a worker has to say itself.
optuna.logging.set_verbosity(optuna.logging.WARNING)


class StudyDatabase:
    """All searches of all experiments in one database."""

    def __init__(self, url: str, *, lease_seconds: float = 60.0, patience: float = 120.0) -> None:
        """`url` as SQLAlchemy takes it: PostgreSQL with psycopg 3, or an SQLite file; nothing is connected yet.

        `lease_seconds`: after how long a worker that stopped renewing counts as lost. `patience`: seconds for which
        transient errors of the database are tried again. Raises InvalidInput for other databases.
        """
        self.database = Database(url, patience=patience)
        self.lease_seconds = lease_seconds

    def create_schema(self) -> None:
        """Makes the tables that are missing; any number of processes may do it at once."""
        self.database.create_schema()

    def study(
        self, key: ExperimentKey, plan: Plan, variant: str, repeat: int = 0, earlier: WarmStartTrials | None = None
    ) -> SharedStudy:
        """The search of one variant, made if it is new; `repeat` counts its independent searches from 0.

        Raises InvalidInput for a search that this installation cannot do.
        """
        problems = check_sampler(plan, variant)
        if problems:
            raise InvalidInput(problems)
        return SharedStudy.create(self.database, key, plan, variant, self.lease_seconds, repeat, earlier)

    def extend(self, key: ExperimentKey, plan: Plan, trials: int) -> bool:
        """Raises every search to `trials` slots; False, and nothing has changed, if one that would grow is closed."""
        budgets = {
            study_name(key, variant, repeat): (variant, plan.study_budget(variant, trials))
            for variant in plan.names
            for repeat in range(plan.tuning.study_count)
            if plan.study_budget(variant) > 0
        }
        return self.database.transact(lambda c: study_lifecycle.extend(c, key.prefix, budgets))

    def progress(self, key: ExperimentKey, plan: Plan) -> dict[str, StudyProgress]:
        """How far each variant's search is, by the variants' names in the plan's order; cheap."""
        budgets = {variant: plan.trial_budget(variant) for variant in plan.names}
        return self.database.transact(lambda c: progress_query.progress(c, key.prefix, budgets, direction_of(plan)))

    def release_workers(self, key: ExperimentKey, alive: Callable[[str], bool]) -> int:
        """Frees the slots of workers that are gone and ends their trials as lost; returns how many slots."""
        return lost_workers.release_workers(self.database, key.prefix, alive, self.lease_seconds)

    def dispose(self) -> None:
        """Closes what is open; the object can be used again."""
        self.database.dispose()
