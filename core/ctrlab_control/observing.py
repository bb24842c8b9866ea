"""Gathering the planner's facts on one machine: process table, study database, store, in that order."""

from collections.abc import Mapping
from datetime import UTC, datetime

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import ObjectKey, RunFile
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.records import PreparedData, SeedDecision, StudyRecord
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ReportStatus
from ctrlab_api.run_attempts import RUNS_PREFIX, attempts_with
from ctrlab_control.planner import Facts, JobFacts, StudyFacts
from ctrlab_store import Store
from ctrlab_study import StudyDatabase


class Observer:
    """Reads one experiment; records that never change are read once, and none before it can be there.

    Nothing is frozen before its budget is done, and nothing is run or reported before all is frozen: so a look at
    a search that goes on costs a query and no request to the store.
    """

    def __init__(self, store: Store, database: StudyDatabase, key: ExperimentKey) -> None:
        self._folder = store.below(key.prefix)
        self._database = database
        self._key = key
        self._frozen: dict[str, StudyFacts] = {}
        self._plan: Plan | None = None
        self._prepared: PreparedData | None = None
        self._decision: SeedDecision | None = None

    def facts(self, experiment: Experiment, jobs: Mapping[str, JobFacts]) -> Facts:
        """The facts of this moment; `jobs` was read just before."""
        if self._plan is None and self._folder.exists(ObjectKey.PLAN):
            self._plan = Plan.model_validate_json(self._folder.get(ObjectKey.PLAN))
        plan = self._plan
        searches = self._searches(plan) if plan is not None else {}
        if self._prepared is None and self._folder.exists(ObjectKey.PREPARED):
            self._prepared = PreparedData.model_validate_json(self._folder.get(ObjectKey.PREPARED))
        tuned = plan is not None and len(self._frozen) == len(plan.variants)
        if tuned and self._decision is None and self._folder.exists(ObjectKey.SEED_DECISION):
            self._decision = SeedDecision.model_validate_json(self._folder.get(ObjectKey.SEED_DECISION))
        return Facts(
            experiment=experiment,
            now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            frozen=plan,
            jobs=jobs,
            prepared=self._prepared,
            searches=searches,
            runs=self._runs() if tuned else frozenset(),
            decision=self._decision,
            report=self._report() if tuned else None,
        )

    def _searches(self, plan: Plan) -> dict[str, StudyFacts]:
        """Frozen searches from their records, the others from the database, which is asked only while there are any."""
        progress = self._database.progress(self._key, plan) if len(self._frozen) < len(plan.variants) else {}
        over = {name for name, found in progress.items() if found.is_over}
        if plan.parent is not None:
            over.add(plan.parent.model)  # its search may be the experiment's, which has no trials here
        for name in plan.names:
            if name in over - set(self._frozen) and self._folder.exists(ObjectKey.study(name)):
                self._frozen[name] = _frozen(StudyRecord.model_validate_json(self._folder.get(ObjectKey.study(name))))
        going_on = {
            name: StudyFacts(
                done=found.done,
                failed=found.failed,
                best=found.best_value,
                last_failure=found.last_failure,
                budget=found.budget,
            )
            for name, found in progress.items()
        }
        return going_on | self._frozen

    def _runs(self) -> frozenset[FinalRun]:
        attempts = attempts_with(self._folder.list(RUNS_PREFIX), RunFile.RECORD)
        return frozenset(FinalRun(variant=variant, seed=seed) for variant, seed in attempts)

    def _report(self) -> ReportStatus | None:
        if not self._folder.exists(ObjectKey.LATEST_REPORT):
            return None
        target = self._folder.get(ObjectKey.LATEST_REPORT).decode().strip().rstrip("/")
        return ReportStatus(uri=f"{self._folder.uri}/{target}", digest=target.rpartition("/")[2])


def _frozen(record: StudyRecord) -> StudyFacts:
    counted = [trial for search in record.all_studies for trial in search.trials if trial.counted]
    return StudyFacts(
        done=len(counted),
        failed=sum(trial.state == "FAIL" for trial in counted),
        best=record.best.value,
        digest=record.digest,
        budget=sum(search.budget for search in record.all_studies),
    )
