"""The local engine: observe, decide, act, sleep until a worker ends; it uses the same planner as the operator.

The engine keeps no state in memory only: killed at any moment, the same command finds plan, trials and runs in store
and database and resumes. The same command also retries an experiment that failed or lost runs; finished work is kept.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType
from typing import Protocol

from ctrlab.local import resource_files
from ctrlab.local.errors import RunInterrupted, WorkspaceError
from ctrlab.local.experiment_identity import resolve_key
from ctrlab.local.process_pool import ProcessPool
from ctrlab.local.worker_process import PROGRAMS, Launcher
from ctrlab.local.workspace import Workspace
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.names import RETRY_ANNOTATION, ConditionType, ObjectKey
from ctrlab_api.plan import Plan
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus
from ctrlab_control.executing import execute
from ctrlab_control.observing import Observer
from ctrlab_control.planner import (
    Action,
    DeleteJob,
    EnsureJob,
    Facts,
    FreezeUnsearched,
    RaiseTrials,
    RecordRetry,
    ScaleJob,
    WritePlan,
    ablation_facts,
    as_experiment,
    decide,
)
from ctrlab_control.reanalysis import adopt, is_untouched
from ctrlab_store import StoreError
from ctrlab_study import StudyDatabase, StudyUnavailable

POLL_SECONDS = 1.0
"""Time between two reconciles while no worker ends."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ProgressView(Protocol):
    """Displays the progress of an experiment."""

    def update(self, facts: Facts, status: ExperimentStatus, running: int) -> None:
        """Called after every reconcile; `running` is the number of running workers."""

    def note(self, message: str) -> None:
        """Show a message on a line of its own."""


class Engine:
    """Runs one experiment in one workspace, or one ablation of an experiment that has succeeded there."""

    def __init__(
        self,
        workspace: Workspace,
        experiment: Experiment,
        slots: int,
        view: ProgressView,
        programs: Mapping[str, tuple[str, ...]] = PROGRAMS,
        ablation: Ablation | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        key: ExperimentKey | None = None,
        find_origin: Callable[[ExperimentKey, Plan], ExperimentKey | None] = lambda key, plan: None,
    ) -> None:
        """`slots`: maximum number of processes. With `ablation`, `experiment` is its parent with its last status.

        `key`: the identity in the workspace (default: that of the plan). `find_origin` returns an experiment whose
        studies and runs the plan uses, because only the analysis differs.
        """
        self.workspace = workspace
        self._ablation = ablation
        self._ablation_facts = ablation_facts(ablation, experiment) if ablation else None
        self._source_folder = experiment.metadata.source_folder
        self._experiment = as_experiment(ablation, experiment) if ablation else experiment
        ablation_plan = self._ablation_facts.plan if self._ablation_facts else None
        self.plan = ablation_plan or Plan.from_experiment(self._experiment)
        self.key = key or resolve_key(workspace, self._experiment, self.plan)
        self._find_origin = find_origin
        self._slots = slots
        self._view = view
        self._programs = programs
        self._clock = clock
        self._stopping = False
        self._data_warnings_noted = False
        self._wake = threading.Event()

    def run(self) -> ExperimentStatus:
        """Reconcile until the experiment has ended, is suspended or is stalled; return its last status.

        Raises RunInterrupted after Ctrl-C, and WorkspaceError if the workspace is unwritable, full or in use.
        """
        try:
            with (
                self.workspace.locked(self.key.namespace, self.key.name, self._note_orphans) as lock,
                self._open_database() as database,
            ):
                return self._run(lock, database)
        except (StoreError, StudyUnavailable) as error:
            raise WorkspaceError.at(self.workspace.root, str(error)) from error

    def _run(self, lock: int, database: StudyDatabase) -> ExperimentStatus:
        database.create_schema()
        database.release_lost_workers(self.key, lambda worker: False)
        self._experiment = self._with_status(self._previous_status())
        self._request_retry()
        self._write_latest_uid()
        self._adopt_origin(database)
        env = {variable.name: variable.value for variable in self._experiment.spec.runtime.env or ()}
        launcher = Launcher(self.workspace, self.key, lock, self._wake.set, self._programs, env, self._source_folder)
        processes = ProcessPool(launcher, self._slots)
        observer = Observer(self.workspace.store, database, self.key)
        with self._stop_on_signals(processes.kill):
            try:
                return self._loop(observer, processes, database)
            finally:
                processes.stop()
                database.release_lost_workers(self.key, processes.is_alive)

    def _loop(self, observer: Observer, processes: ProcessPool, database: StudyDatabase) -> ExperimentStatus:
        while True:
            self._wake.clear()
            if self._stopping:
                self._view.note("stopping: workers release their slots")
                raise RunInterrupted
            if processes.step():
                database.release_lost_workers(self.key, processes.is_alive)
            facts = replace(
                observer.facts(self._experiment, processes.facts(), self._clock()), ablation=self._ablation_facts
            )
            decision = decide(facts)
            for action in decision.actions:
                self._act(action, facts, processes, database)
            status = decision.status
            if status != self._experiment.status:
                self._experiment = self._with_status(status)
                resource_files.save(self.workspace, self._resource())
            self._note_data_warnings(facts)
            self._view.update(facts, status, len(processes.running))
            ended = status.stage in ("Succeeded", "Failed", "Suspended")
            if ended or status.is_true(ConditionType.STALLED):
                return status
            if not decision.actions:
                self._wake.wait(POLL_SECONDS)

    def _note_data_warnings(self, facts: Facts) -> None:
        """Print the warnings about the data once, as soon as they are prepared."""
        if facts.prepared is not None and not self._data_warnings_noted:
            self._data_warnings_noted = True
            for warning in facts.prepared.warnings:
                self._view.note(f"warning about the data: {warning}")

    def _act(self, action: Action, facts: Facts, processes: ProcessPool, database: StudyDatabase) -> None:
        match action:
            case WritePlan() | RaiseTrials() | FreezeUnsearched() | RecordRetry():
                execute(action, self.workspace.store, database, self.key, facts.plan)
            case EnsureJob(request):
                done = [index for index, group in enumerate(request.groups) if facts.runs.issuperset(group)]
                processes.create(request, done)
            case ScaleJob(name, completions, parallelism):
                processes.scale(name, completions, parallelism)
            case DeleteJob(name):
                processes.delete(name)

    def _previous_status(self) -> ExperimentStatus | None:
        """Return the saved status of the same plan."""
        saved = resource_files.load(self.workspace, self.key.namespace, self.key.name)
        return saved.status if saved is not None and saved.metadata.uid == self.key.uid else None

    def _request_retry(self) -> None:
        """Request a retry, on record, of an experiment that failed or lost runs; the same command retries it."""
        status = self._experiment.status
        if status is None or not (status.is_true(ConditionType.FAILED) or status.stage == "Incomplete"):
            return
        token = self._clock().astimezone(UTC).isoformat(timespec="microseconds")
        metadata = self._experiment.metadata
        annotations = {**(metadata.annotations or {}), RETRY_ANNOTATION: token}
        metadata = metadata.model_copy(update={"annotations": annotations})
        self._experiment = self._experiment.model_copy(update={"metadata": metadata})

    def _with_status(self, status: ExperimentStatus | None) -> Experiment:
        metadata = self._experiment.metadata.model_copy(update={"uid": self.key.uid})
        return self._experiment.model_copy(update={"metadata": metadata, "status": status})

    def _resource(self) -> Experiment | Ablation:
        """Return the user's resource with uid and status."""
        if self._ablation is None:
            return self._experiment
        update = {"metadata": self._experiment.metadata, "status": self._experiment.status}
        return self._ablation.model_copy(update=update)

    def _adopt_origin(self, database: StudyDatabase) -> None:
        """Freeze the plan with the studies and runs of the origin, unless a study of the plan is in progress."""
        store = self.workspace.store
        if not is_untouched(store, self.key, self.plan):
            return
        progress = database.progress(self.key, self.plan).values()
        is_started = any(study.done or study.failed for study in progress)
        origin = None if is_started else self._find_origin(self.key, self.plan)
        if origin is not None:
            self._view.note(adopt(store, self.key, self.plan, origin).statement)

    def _write_latest_uid(self) -> None:
        key = ObjectKey.latest_uid(self.key.namespace, self.key.name)
        self.workspace.store.replace(key, f"{self.key.uid}\n".encode())

    def _note_orphans(self) -> None:
        self._view.note("waiting for the workers of an interrupted run to end")

    @contextmanager
    def _open_database(self) -> Iterator[StudyDatabase]:
        database = StudyDatabase(self.workspace.database_url)
        try:
            yield database
        finally:
            database.dispose()

    @contextmanager
    def _stop_on_signals(self, kill: Callable[[], None]) -> Iterator[None]:
        """Stop gracefully at the first signal; call `kill` at the second."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            if self._stopping:
                kill()
            self._stopping = True
            self._wake.set()

        previous_handlers = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous_handlers.items():
                signal.signal(number, handler)
