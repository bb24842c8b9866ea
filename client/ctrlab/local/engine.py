"""The local engine: observe, decide, act, sleep until a worker ends; the same planner as on a cluster.

It keeps nothing in memory that it could not lose: killed at any moment, the same command finds plan, trials and runs
in store and database and goes on. A failed experiment is tried again by the same command, with what is finished kept.
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
from ctrlab.local.errors import Interrupted, WorkspaceError
from ctrlab.local.experiment_identity import key_of
from ctrlab.local.process_pool import Processes
from ctrlab.local.worker_process import PROGRAMS, Launcher
from ctrlab.local.workspace import Workspace
from ctrlab_api.names import ConditionType
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
    ScaleJob,
    WritePlan,
    ablation_facts,
    as_experiment,
    decide,
)
from ctrlab_store import StoreError
from ctrlab_study import StudyDatabase, StudyUnavailable

POLL_SECONDS = 1.0
"""How often progress is looked at while no worker ends."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class View(Protocol):
    """Who shows the progress."""

    def update(self, facts: Facts, status: ExperimentStatus, running: int) -> None:
        """Called after every look at the experiment."""

    def note(self, message: str) -> None:
        """Something worth a line."""


class Engine:
    """Runs one experiment in one workspace, or one ablation of an experiment that has succeeded there."""

    def __init__(
        self,
        workspace: Workspace,
        experiment: Experiment,
        slots: int,
        view: View,
        programs: Mapping[str, tuple[str, ...]] = PROGRAMS,
        ablation: Ablation | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """With `ablation`, `experiment` is the one that it names, with its last status."""
        self.workspace = workspace
        self._ablation = ablation
        self._ablation_facts = ablation_facts(ablation, experiment) if ablation else None
        self._experiment = as_experiment(ablation, experiment) if ablation else experiment
        asked = self._ablation_facts.plan if self._ablation_facts else None
        self.plan = asked or Plan.from_experiment(self._experiment)
        self.key = key_of(workspace, self._experiment, self.plan)
        self._slots = slots
        self._view = view
        self._programs = programs
        self._clock = clock
        self._stopping = False
        self._wake = threading.Event()

    def run(self) -> ExperimentStatus:
        """Work until the experiment has ended; its last status.

        Raises Interrupted after Ctrl-C, WorkspaceError where the workspace is unwritable, full or in use.
        """
        try:
            with (
                self.workspace.locked(self.key.namespace, self.key.name, self._tell_of_orphans) as lock,
                self._database() as database,
            ):
                return self._run(lock, database)
        except StoreError as error:
            raise WorkspaceError.at(self.workspace.root, str(error)) from error
        except StudyUnavailable as error:
            raise WorkspaceError.at(self.workspace.root, str(error)) from error

    def _run(self, lock: int, database: StudyDatabase) -> ExperimentStatus:
        database.create_schema()
        database.release_lost_workers(self.key, lambda worker: False)
        self._experiment = self._with_status(self._previous_status())
        self._point_to_newest()
        env = {variable.name: variable.value for variable in self._experiment.spec.runtime.env or ()}
        launcher = Launcher(self.workspace, self.key, lock, self._wake.set, self._programs, env)
        processes = Processes(launcher, self._slots)
        observer = Observer(self.workspace.store, database, self.key)
        with self._signals(processes.kill):
            try:
                return self._loop(observer, processes, database)
            finally:
                processes.stop()
                database.release_lost_workers(self.key, processes.is_alive)

    def _loop(self, observer: Observer, processes: Processes, database: StudyDatabase) -> ExperimentStatus:
        while True:
            self._wake.clear()
            if self._stopping:
                self._view.note("stopping: workers give their trials back")
                raise Interrupted
            if processes.step():
                database.release_lost_workers(self.key, processes.is_alive)
            facts = replace(
                observer.facts(self._experiment, processes.facts(), self._clock()), ablation=self._ablation_facts
            )
            decision = decide(facts)
            for action in decision.actions:
                self._act(action, facts, processes, database)
            if decision.status != self._experiment.status:
                self._experiment = self._with_status(decision.status)
                resource_files.save(self.workspace, self._resource())
            self._view.update(facts, decision.status, len(processes.running))
            if decision.status.stage in ("Succeeded", "Failed", "Suspended") or decision.status.is_true(
                ConditionType.STALLED
            ):
                return decision.status
            if not decision.actions:
                self._wake.wait(POLL_SECONDS)

    def _act(self, action: Action, facts: Facts, processes: Processes, database: StudyDatabase) -> None:
        match action:
            case WritePlan() | RaiseTrials() | FreezeUnsearched():
                execute(action, self.workspace.store, database, self.key, facts.plan)
            case EnsureJob(request):
                done = [index for index, group in enumerate(request.groups) if facts.runs.issuperset(group)]
                processes.create(request, done)
            case ScaleJob(name, completions, parallelism):
                processes.scale(name, completions, parallelism)
            case DeleteJob(name):
                processes.delete(name)

    def _previous_status(self) -> ExperimentStatus | None:
        """Of the same plan; a failure is forgotten, for the same command means another try."""
        saved = resource_files.load(self.workspace, self.key.namespace, self.key.name)
        if saved is None or saved.metadata.uid != self.key.uid or saved.status is None:
            return None
        failed = saved.status.is_true(ConditionType.FAILED)
        return None if failed else saved.status

    def _with_status(self, status: ExperimentStatus | None) -> Experiment:
        metadata = self._experiment.metadata.model_copy(update={"uid": self.key.uid})
        return self._experiment.model_copy(update={"metadata": metadata, "status": status})

    def _resource(self) -> Experiment | Ablation:
        """What the user wrote, with its uid and status."""
        if self._ablation is None:
            return self._experiment
        known = {"metadata": self._experiment.metadata, "status": self._experiment.status}
        return self._ablation.model_copy(update=known)

    def _point_to_newest(self) -> None:
        self.workspace.store.replace(f"{self.key.namespace}/{self.key.name}/LATEST", f"{self.key.uid}\n".encode())

    def _tell_of_orphans(self) -> None:
        self._view.note("waiting for the workers of an interrupted run to end")

    @contextmanager
    def _database(self) -> Iterator[StudyDatabase]:
        database = StudyDatabase(self.workspace.database_url)
        try:
            yield database
        finally:
            database.dispose()

    @contextmanager
    def _signals(self, kill: Callable[[], None]) -> Iterator[None]:
        """The first signal stops gently, the second at once."""

        def stop(number: int, frame: FrameType | None) -> None:
            if self._stopping:
                kill()
            self._stopping = True
            self._wake.set()

        before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
