"""Gather the planner's facts about one experiment from study database and store, in that order (see `Facts`)."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.records import PreparedData, RetryRecord, SeedDecision, StudyRecord
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ReportStatus
from ctrlab_api.run_attempts import RUNS_PREFIX, attempts_with
from ctrlab_control.planner import Facts, JobFacts, StudyFacts
from ctrlab_control.report_verdicts import report_status
from ctrlab_store import Store
from ctrlab_study import StudyDatabase, StudyProgress, StudyUnavailable


def rfc3339(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Observer:
    """Observes one experiment; reads each record that never changes once, and none before it can exist.

    No study is frozen before its budget is done, and nothing is run or reported before all are frozen. So while studies
    are in progress, an observation costs one query and no request to the store. The database is asked in this phase
    only: before it has no study of the experiment, and afterwards the frozen records in the store have everything.
    """

    def __init__(self, store: Store, database: StudyDatabase, key: ExperimentKey) -> None:
        """`store` is the store of all experiments."""
        self._folder = store.below(key.prefix)
        self._database = database
        self._key = key
        self._frozen: dict[str, StudyFacts] = {}
        self._plan: Plan | None = None
        self._prepared: PreparedData | None = None
        self._decision: SeedDecision | None = None
        self._published: ReportStatus | None = None
        self._retries: tuple[RetryRecord, ...] = ()

    def facts(self, experiment: Experiment, jobs: Mapping[str, JobFacts], now: datetime) -> Facts:
        """Return the facts of this moment; the caller observed `jobs` just before."""
        if self._plan is None and self._folder.exists(ObjectKey.PLAN):
            self._plan = Plan.model_validate_json(self._folder.get(ObjectKey.PLAN))
            if self._folder.exists(ObjectKey.REANALYSIS):  # its studies are frozen, and have no trials here
                self._read_frozen(self._plan, self._plan.names)
        plan = self._plan
        if self._prepared is None and self._folder.exists(ObjectKey.PREPARED):
            self._prepared = PreparedData.model_validate_json(self._folder.get(ObjectKey.PREPARED))
        if plan is not None and experiment.status is not None:
            # A new observer, after a restart or a failed request, continues from the store.
            self._read_frozen(plan, {model.name for model in experiment.status.models if model.search_digest})
        studies = self._studies(plan) if plan is not None and self._prepared is not None else {}
        is_tuned = plan is not None and len(self._frozen) == len(plan.variants)
        if is_tuned and self._decision is None and self._folder.exists(ObjectKey.SEED_DECISION):
            self._decision = SeedDecision.model_validate_json(self._folder.get(ObjectKey.SEED_DECISION))
        return Facts(
            experiment=experiment,
            now=rfc3339(now),
            frozen_plan=plan,
            jobs=jobs,
            prepared=self._prepared,
            studies=studies,
            runs=self._runs() if is_tuned else frozenset(),
            decision=self._decision,
            report=self._report() if is_tuned else None,
            retries=self._read_retries(experiment),
        )

    def _studies(self, plan: Plan) -> dict[str, StudyFacts]:
        """Return frozen studies from their records, and the others, if any, from the database."""
        progress: dict[str, StudyProgress] = {}
        if len(self._frozen) < len(plan.variants):
            try:
                progress = self._database.progress(self._key, plan)
            except StudyUnavailable:
                self._read_frozen(plan, plan.names)
                if len(self._frozen) < len(plan.variants):
                    raise
        finished = {name for name, study in progress.items() if study.is_over}
        if plan.parent is not None:
            finished.add(plan.parent.model)  # its study may be the parent experiment's, which has no trials here
        self._read_frozen(plan, finished)
        in_progress = {
            name: StudyFacts(
                done=study.done,
                failed=study.failed,
                best=study.best_value,
                last_failure=study.last_failure,
                budget=study.budget,
            )
            for name, study in progress.items()
        }
        return in_progress | self._frozen

    def _read_frozen(self, plan: Plan, candidates: Collection[str]) -> None:
        """Read the records of the candidates that are frozen."""
        for name in plan.names:
            if name in candidates and name not in self._frozen and self._folder.exists(ObjectKey.study(name)):
                record = StudyRecord.model_validate_json(self._folder.get(ObjectKey.study(name)))
                self._frozen[name] = _facts_of_frozen_study(record)

    def _runs(self) -> frozenset[FinalRun]:
        attempts = attempts_with(self._folder.list(RUNS_PREFIX), RunFile.RECORD)
        return frozenset(FinalRun(variant=variant, seed=seed) for variant, seed in attempts)

    def _read_retries(self, experiment: Experiment) -> tuple[RetryRecord, ...]:
        """Read the retries that are not read yet; there are none before the first request."""
        status = experiment.status
        if experiment.metadata.retry_request(status) or (status is not None and status.retry):
            for number in range(len(self._retries) + 1, len(self._folder.list(ObjectKey.RETRIES)) + 1):
                record = RetryRecord.model_validate_json(self._folder.get(ObjectKey.retry(number)))
                self._retries = (*self._retries, record)
        return self._retries

    def _report(self) -> ReportStatus | None:
        if not self._folder.exists(ObjectKey.LATEST_REPORT):
            return None
        target = self._folder.get(ObjectKey.LATEST_REPORT).decode().strip().rstrip("/")
        if self._published is None or self._published.digest != target.rpartition("/")[2]:
            self._published = report_status(self._folder, target)
        return self._published


def _facts_of_frozen_study(record: StudyRecord) -> StudyFacts:
    counted = [trial for study in record.all_studies for trial in study.trials if trial.counted]
    return StudyFacts(
        done=len(counted),
        failed=sum(trial.state == "FAIL" for trial in counted),
        best=record.best.value,
        digest=record.digest,
        budget=sum(study.budget for study in record.all_studies),
    )
