"""The planner in simulated worlds: jobs that progress, fail and vanish, and a control loop that crashes."""

from dataclasses import dataclass, field, replace
from typing import Any

from builders import make_facts, make_prepared_data, make_seed_decision, make_small_experiment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctrlab_api.names import RETRY_ANNOTATION, ConditionType
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus, ReportStatus
from ctrlab_control.planner import (
    Action,
    DeleteJob,
    EnsureJob,
    Facts,
    FreezeUnsearched,
    JobFacts,
    JobRequest,
    Outage,
    RecordRetry,
    ScaleJob,
    StudyFacts,
    WritePlan,
    decide,
)

ORDER = (
    "Pending",
    "Preparing",
    "Tuning",
    "Evaluating",
    "Deciding",
    "Extending",
    "Reporting",
    "Incomplete",
    "Succeeded",
)


def experiment(workers: int, extended: bool, seeds_per_pod: int) -> Experiment:
    evaluation: dict[str, Any] = {"seeds": {"count": 5}, "seedsPerPod": seeds_per_pod}
    if extended:
        evaluation |= {"seeds": {"count": 5, "max": 9}, "precision": {"metric": "auc", "halfWidth": "0.001"}}
    tuning = {"trials": 3, "workers": workers, "maxFailedTrials": 1}
    return make_small_experiment(tuning=tuning, evaluation=evaluation)


@dataclass
class World:
    """Store, study and jobs; `progress` simulates the workers, `act` a backend."""

    experiment: Experiment
    facts: Facts
    requests: dict[str, JobRequest] = field(default_factory=dict)
    recorded: list[FinalRun] = field(default_factory=list)

    @classmethod
    def start(cls, experiment: Experiment) -> "World":
        return cls(experiment=experiment, facts=make_facts(experiment, frozen_plan=None))

    def decide(self) -> tuple[tuple[Action, ...], ExperimentStatus]:
        self.facts = replace(self.facts, experiment=self.experiment)
        decision = decide(self.facts)
        return decision.actions, decision.status

    def tick(self, crash_after: int | None = None) -> ExperimentStatus:
        """Reconcile once; the control loop may crash after some actions, before it writes the status."""
        actions, status = self.decide()
        for action in actions[:crash_after]:
            self.act(action)
        if crash_after is None:
            self.experiment = self.experiment.model_copy(update={"status": status})
        return status

    def act(self, action: Action) -> None:
        jobs = dict(self.facts.jobs)
        match action:
            case WritePlan(plan):
                assert self.facts.frozen_plan in (None, plan), "a plan never changes"
                self.facts = replace(self.facts, frozen_plan=plan)
            case EnsureJob(request):
                if request.phase == "evaluate":
                    assert self.facts.all_studies_frozen, "no final run before every study is frozen"
                jobs.setdefault(request.name, JobFacts("Active", request.parallelism))
                self.requests[request.name] = request
            case FreezeUnsearched(variant):
                assert self.facts.prepared is not None, "no study is frozen before the data are prepared"
                assert not self.facts.plan.needs_tuning(variant)
                self._freeze(variant, self.facts.study(variant))
            case ScaleJob(name, _, parallelism):
                jobs[name] = replace(jobs[name], parallelism=parallelism)
            case DeleteJob(name):
                jobs.pop(name, None)
            case RecordRetry(record):
                assert record.number == len(self.facts.retries) + 1, "a retry is recorded once"
                self.facts = replace(self.facts, retries=(*self.facts.retries, record))
        self.facts = replace(self.facts, jobs=jobs)

    def progress(self, choice: int, fails: bool) -> None:
        """Advance one active job by one step; with `fails` a run is lost instead of recorded."""
        active = self.facts.active_jobs
        if not active:
            return
        name = active[choice % len(active)]
        request, ended = self.requests[name], JobFacts("Complete", self.facts.jobs[name].parallelism)
        job = replace(self.facts.jobs[name], outage=None)
        self.facts = replace(self.facts, jobs={**self.facts.jobs, name: job})
        match request.phase:
            case "prepare":
                self.facts = replace(self.facts, prepared=make_prepared_data())
            case "tune":
                if not self._trial(request.arguments[-1]):
                    return
            case "evaluate":
                failed = self.facts.jobs[name].failed_indexes
                open_runs = [
                    (index, run)
                    for index, group in enumerate(request.groups)
                    for run in group
                    if run not in self.facts.runs and index not in failed
                ]
                if open_runs and fails:
                    self._lose(name, open_runs[0][0])
                    return
                if open_runs:
                    self.recorded.append(open_runs[0][1])
                    self.facts = replace(self.facts, runs=self.facts.runs | {open_runs[0][1]})
                    return
                ended = replace(self.facts.jobs[name], state="Failed" if failed else "Complete")
            case "decide":
                self.facts = replace(self.facts, decision=make_seed_decision(7))
            case "report":
                digest = f"{len(self.facts.retries)}/{len(self.facts.runs)}"
                self.facts = replace(self.facts, report=ReportStatus(uri="r", digest=digest))
        self.facts = replace(self.facts, jobs={**self.facts.jobs, name: ended})

    def _trial(self, variant: str) -> bool:
        """Finish one more trial; return whether the study is frozen afterwards."""
        study, budget = self.facts.study(variant), self.facts.plan.trial_budget(variant)
        done = min(budget, study.done + 1)
        study = replace(study, done=done)
        if done == budget:
            self._freeze(variant, study)
        else:
            self.facts = replace(self.facts, studies={**self.facts.studies, variant: study})
        return done == budget

    def _freeze(self, variant: str, study: StudyFacts) -> None:
        frozen = replace(study, digest=f"sha256:{variant}")
        self.facts = replace(self.facts, studies={**self.facts.studies, variant: frozen})

    def _lose(self, name: str, index: int) -> None:
        job = self.facts.jobs[name]
        failed = replace(job, failed_indexes=job.failed_indexes | {index})
        self.facts = replace(self.facts, jobs={**self.facts.jobs, name: failed})

    def interrupt(self, choice: int) -> None:
        """Let infrastructure be unavailable for the workers of one active job; their next step ends the outage."""
        active = self.facts.active_jobs
        if active:
            name = active[choice % len(active)]
            job = replace(self.facts.jobs[name], outage=Outage("the store", "2026-01-01T00:00:00Z"))
            self.facts = replace(self.facts, jobs={**self.facts.jobs, name: job})

    def correct(self, choice: int) -> None:
        """Change the image: active jobs are outdated, and some of their workers run."""
        jobs = dict(self.facts.jobs)
        for name in self.facts.active_jobs:
            running = choice % (jobs[name].parallelism + 1)
            waiting = jobs[name].parallelism - running
            jobs[name] = replace(jobs[name], is_outdated=True, running=running, waiting=waiting)
        self.facts = replace(self.facts, jobs=jobs)

    def retry(self, token: str) -> None:
        """Request a retry, as with the annotation."""
        metadata = self.experiment.metadata.model_copy(update={"annotations": {RETRY_ANNOTATION: token}})
        self.experiment = self.experiment.model_copy(update={"metadata": metadata})

    def forget_jobs(self, ended_only: bool) -> None:
        """Delete ended jobs, as a cluster does after a while, or all jobs, as when the local engine is killed."""
        kept = {name: job for name, job in self.facts.jobs.items() if ended_only and job.state == "Active"}
        self.facts = replace(self.facts, jobs=kept)

    def suspend(self, value: bool) -> None:
        spec = self.experiment.spec.model_copy(update={"suspend": value})
        self.experiment = self.experiment.model_copy(update={"spec": spec})

    def finish(self) -> ExperimentStatus:
        """Reconcile without disturbances until the experiment ends."""
        self.suspend(False)
        for _ in range(200):
            status = self.tick()
            if status.stage in ("Succeeded", "Failed", "Incomplete"):
                return status
            self.progress(0, fails=False)
        raise AssertionError(f"never ended: {status}")


EVENTS = st.one_of(
    st.tuples(st.just("tick"), st.none() | st.integers(0, 3)),
    st.tuples(st.just("progress"), st.integers(0, 5)),
    st.tuples(st.just("progress"), st.integers(0, 5)),
    st.tuples(st.just("lose"), st.integers(0, 5)),
    st.tuples(st.just("outage"), st.integers(0, 5)),
    st.tuples(st.just("correct"), st.integers(0, 5)),
    st.tuples(st.just("forget"), st.booleans()),
    st.tuples(st.just("suspend"), st.booleans()),
)
WORLDS = st.builds(experiment, st.integers(1, 4), st.booleans(), st.integers(1, 3)).map(World.start)
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def apply_event(world: World, event: tuple[str, Any]) -> None:
    kind, value = event
    match kind:
        case "tick":
            world.tick(crash_after=value)
        case "progress" | "lose":
            world.progress(value, fails=kind == "lose")
        case "outage":
            world.interrupt(value)
        case "correct":
            world.correct(value)
        case "forget":
            world.forget_jobs(ended_only=value)
        case "suspend":
            world.suspend(value)


def without_times(status: ExperimentStatus) -> Any:
    content = status.model_dump()
    for condition in content["conditions"]:
        del condition["last_transition_time"]
    return content


@SETTINGS
@given(world=WORLDS, events=st.lists(EVENTS, max_size=80))
def test_an_executed_decision_leaves_nothing_to_do(world: World, events: list[tuple[str, Any]]) -> None:
    for event in events:
        apply_event(world, event)
        is_continued = any(
            isinstance(action, FreezeUnsearched) or (isinstance(action, DeleteJob) and action.unless_changed)
            for action in world.decide()[0]
        )
        world.tick()
        if is_continued:  # the next decision sees that the study is frozen, or that an outdated job is deleted
            world.tick()
        assert world.decide() == ((), world.experiment.status)


@SETTINGS
@given(world=WORLDS, events=st.lists(EVENTS, max_size=80))
def test_stages_and_milestones_never_go_back(world: World, events: list[tuple[str, Any]]) -> None:
    last_stage, reached = 0, set[str]()
    for event in events:
        apply_event(world, event)
        status = world.tick()
        if status.stage in ORDER:
            assert ORDER.index(status.stage) >= last_stage
            last_stage = ORDER.index(status.stage)
        true = {c.type for c in status.conditions if c.status == "True"}
        milestones = true & {
            ConditionType.PREPARED,
            ConditionType.TUNING_COMPLETE,
            ConditionType.EVALUATION_COMPLETE,
            ConditionType.REPORT_PUBLISHED,
        }
        assert milestones >= reached
        reached = milestones


@SETTINGS
@given(world=WORLDS, events=st.lists(EVENTS.filter(lambda event: event[0] != "lose"), max_size=80))
def test_the_final_status_is_the_same_after_any_crashes(world: World, events: list[tuple[str, Any]]) -> None:
    undisturbed = World.start(world.experiment)
    expected = undisturbed.finish()
    for event in events:
        apply_event(world, event)
    assert without_times(world.finish()) == without_times(expected)
    assert sorted((run.variant, run.seed) for run in world.recorded) == sorted(
        (run.variant, run.seed) for run in Plan.from_experiment(world.experiment).final_runs(expected.seed_count)
    )


@SETTINGS
@given(world=WORLDS, events=st.lists(EVENTS, max_size=80))
def test_an_ended_experiment_has_no_active_job_and_each_run_counts_once(
    world: World, events: list[tuple[str, Any]]
) -> None:
    for event in events:
        apply_event(world, event)
    status = world.finish()
    assert world.facts.active_jobs == ()
    assert len(world.recorded) == len(set(world.recorded))
    assert sum(model.runs_done for model in status.models) == len(world.recorded)


@SETTINGS
@given(world=WORLDS, events=st.lists(EVENTS, max_size=80))
def test_success_means_every_planned_run_and_retries_lead_to_it(world: World, events: list[tuple[str, Any]]) -> None:
    for event in events:
        apply_event(world, event)
    status = world.finish()
    for attempt in range(3):
        planned = Plan.from_experiment(world.experiment).final_runs(world.facts.seed_count)
        assert (status.stage == "Succeeded") == world.facts.runs.issuperset(planned)
        if status.stage == "Succeeded":
            break
        assert status.is_true(ConditionType.RUNS_LOST)
        world.retry(f"retry {attempt}")
        for crash_after in (1, 2, None):
            status = world.tick(crash_after=crash_after)
        assert status.retry == f"retry {attempt}"
        status = world.finish()
    assert status.stage == "Succeeded"
    assert len(world.recorded) == len(set(world.recorded))
    assert len(world.facts.retries) <= 1
