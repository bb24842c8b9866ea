"""The planner driven through simulated worlds: jobs that progress, fail and vanish, and a control loop that crashes."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from resource_examples.minimal_prepared_data import PREPARED

from ctrlab_api.names import ConditionType
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.records import SeedDecision
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
    ScaleJob,
    StudyFacts,
    WritePlan,
    decide,
)

ORDER = ("Pending", "Preparing", "Tuning", "Evaluating", "Deciding", "Extending", "Reporting", "Succeeded")


def experiment(workers: int, extended: bool, seeds_per_pod: int) -> Experiment:
    evaluation: dict[str, Any] = {"seeds": {"count": 5}}
    if extended:
        evaluation = {"seeds": {"count": 5, "max": 9}, "precision": {"metric": "auc", "halfWidth": "0.001"}}
    spec = {
        "dataset": {
            "source": {"uri": "builtin://synthetic"},
            "label": {"column": "label"},
            "features": [{"name": "user", "type": "Categorical"}],
            "split": {"strategy": "Random"},
        },
        "models": [
            {"name": "FM", "architecture": "fm", "search": {"learning_rate": {"categorical": ["1e-2", "1e-3"]}}},
            {"name": "LR", "architecture": "lr"},
        ],
        "tuning": {"trials": 3, "workers": workers, "maxFailedTrials": 1},
        "evaluation": evaluation | {"seedsPerPod": seeds_per_pod},
    }
    return Experiment.model_validate_json(json.dumps({"metadata": {"name": "study"}, "spec": spec}))


@dataclass
class World:
    """Store, study and jobs; `progress` is what workers do, `act` what a backend does."""

    experiment: Experiment
    facts: Facts
    requests: dict[str, JobRequest] = field(default_factory=dict)
    recorded: list[FinalRun] = field(default_factory=list)

    @classmethod
    def of(cls, wanted: Experiment) -> "World":
        return cls(experiment=wanted, facts=Facts(experiment=wanted, now="t"))

    def decide(self) -> tuple[tuple[Action, ...], ExperimentStatus]:
        self.facts = replace(self.facts, experiment=self.experiment)
        decision = decide(self.facts)
        return decision.actions, decision.status

    def tick(self, crash_after: int | None = None) -> ExperimentStatus:
        """One pass of the control loop, which may die after some actions, before it writes the status."""
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
                    assert self.facts.all_studies_frozen, "no final run before every search is frozen"
                jobs.setdefault(request.name, JobFacts("Active", request.parallelism))
                self.requests[request.name] = request
            case FreezeUnsearched(variant):
                assert self.facts.prepared is not None, "no search is frozen before the data are there"
                assert not self.facts.plan.needs_tuning(variant)
                self._freeze(variant, self.facts.study(variant))
            case ScaleJob(name, _, parallelism):
                jobs[name] = replace(jobs[name], parallelism=parallelism)
            case DeleteJob(name):
                jobs.pop(name, None)
        self.facts = replace(self.facts, jobs=jobs)

    def progress(self, choice: int, fails: bool) -> None:
        """One active job gets one step further; with `fails` a run is lost instead of recorded."""
        active = self.facts.active_jobs
        if not active:
            return
        name = active[choice % len(active)]
        request, over = self.requests[name], JobFacts("Complete", self.facts.jobs[name].parallelism)
        match request.phase:
            case "prepare":
                self.facts = replace(self.facts, prepared=PREPARED)
            case "tune":
                if not self._trial(request.arguments[-1]):
                    return
            case "evaluate":
                failed = self.facts.jobs[name].failed_indexes
                waiting = [
                    (index, run)
                    for index, group in enumerate(request.groups)
                    for run in group
                    if run not in self.facts.runs and index not in failed
                ]
                if waiting and fails:
                    self._lose(name, waiting[0][0])
                    return
                if waiting:
                    self.recorded.append(waiting[0][1])
                    self.facts = replace(self.facts, runs=self.facts.runs | {waiting[0][1]})
                    return
                over = replace(self.facts.jobs[name], state="Failed" if failed else "Complete")
            case "decide":
                decision = SeedDecision(pilot=5, count=7, half_width=0.1, metric="auc", pilot_sd={}, reason="so")
                self.facts = replace(self.facts, decision=decision)
            case "report":
                self.facts = replace(self.facts, report=ReportStatus(uri="r", digest="d"))
        self.facts = replace(self.facts, jobs={**self.facts.jobs, name: over})

    def _trial(self, variant: str) -> bool:
        """One more trial; true when the search is frozen by it."""
        search, budget = self.facts.study(variant), self.facts.plan.trial_budget(variant)
        done = min(budget, search.done + 1)
        search = replace(search, done=done)
        if done == budget:
            self._freeze(variant, search)
        else:
            self.facts = replace(self.facts, studies={**self.facts.studies, variant: search})
        return done == budget

    def _freeze(self, variant: str, search: StudyFacts) -> None:
        new = replace(search, digest=f"sha256:{variant}")
        self.facts = replace(self.facts, studies={**self.facts.studies, variant: new})

    def _lose(self, name: str, index: int) -> None:
        job = self.facts.jobs[name]
        lost = replace(job, failed_indexes=job.failed_indexes | {index})
        self.facts = replace(self.facts, jobs={**self.facts.jobs, name: lost})

    def forget_jobs(self, ended_only: bool) -> None:
        """Ended jobs are cleaned up after a while; a local engine that is killed forgets all."""
        kept = {name: job for name, job in self.facts.jobs.items() if ended_only and job.state == "Active"}
        self.facts = replace(self.facts, jobs=kept)

    def suspend(self, value: bool) -> None:
        spec = self.experiment.spec.model_copy(update={"suspend": value})
        self.experiment = self.experiment.model_copy(update={"spec": spec})

    def finish(self) -> ExperimentStatus:
        """Let everything go on undisturbed until it ends."""
        self.suspend(False)
        for _ in range(200):
            status = self.tick()
            if status.stage in ("Succeeded", "Failed"):
                return status
            self.progress(0, fails=False)
        raise AssertionError(f"never ended: {status}")


EVENTS = st.one_of(
    st.tuples(st.just("tick"), st.none() | st.integers(0, 3)),
    st.tuples(st.just("progress"), st.integers(0, 5)),
    st.tuples(st.just("progress"), st.integers(0, 5)),
    st.tuples(st.just("lose"), st.integers(0, 5)),
    st.tuples(st.just("forget"), st.booleans()),
    st.tuples(st.just("suspend"), st.booleans()),
)
WORLDS = st.builds(experiment, st.integers(1, 4), st.booleans(), st.integers(1, 3)).map(World.of)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def happen(world: World, event: tuple[str, Any]) -> None:
    kind, value = event
    match kind:
        case "tick":
            world.tick(crash_after=value)
        case "progress" | "lose":
            world.progress(value, fails=kind == "lose")
        case "forget":
            world.forget_jobs(ended_only=value)
        case "suspend":
            world.suspend(value)


def without_times(status: ExperimentStatus) -> Any:
    content = status.model_dump()
    for condition in content["conditions"]:
        del condition["last_transition_time"]
    return content


@MANY
@given(world=WORLDS, events=st.lists(EVENTS, max_size=80))
def test_a_decision_carried_out_leaves_nothing_to_do(world: World, events: list[tuple[str, Any]]) -> None:
    for event in events:
        happen(world, event)
        freezes = any(isinstance(action, FreezeUnsearched) for action in world.decide()[0])
        world.tick()
        if freezes:  # the next decision knows of a search that is over
            world.tick()
        assert world.decide() == ((), world.experiment.status)


@MANY
@given(world=WORLDS, events=st.lists(EVENTS, max_size=80))
def test_stages_and_milestones_never_go_back(world: World, events: list[tuple[str, Any]]) -> None:
    furthest, reached = 0, set[str]()
    for event in events:
        happen(world, event)
        status = world.tick()
        if status.stage in ORDER:
            assert ORDER.index(status.stage) >= furthest
            furthest = ORDER.index(status.stage)
        true = {c.type for c in status.conditions if c.status == "True"}
        milestones = true & {
            ConditionType.PREPARED,
            ConditionType.TUNING_COMPLETE,
            ConditionType.EVALUATION_COMPLETE,
            ConditionType.REPORT_PUBLISHED,
        }
        assert milestones >= reached
        reached = milestones


@MANY
@given(world=WORLDS, events=st.lists(EVENTS.filter(lambda event: event[0] != "lose"), max_size=80))
def test_whatever_crashed_the_end_is_the_same(world: World, events: list[tuple[str, Any]]) -> None:
    undisturbed = World.of(world.experiment)
    expected = undisturbed.finish()
    for event in events:
        happen(world, event)
    assert without_times(world.finish()) == without_times(expected)
    assert sorted((run.variant, run.seed) for run in world.recorded) == sorted(
        (run.variant, run.seed) for run in Plan.from_experiment(world.experiment).final_runs(expected.seed_count)
    )


@MANY
@given(world=WORLDS, events=st.lists(EVENTS, max_size=80))
def test_an_ended_experiment_has_no_active_job_and_each_run_counts_once(
    world: World, events: list[tuple[str, Any]]
) -> None:
    for event in events:
        happen(world, event)
    status = world.finish()
    assert world.facts.active_jobs == ()
    assert len(world.recorded) == len(set(world.recorded))
    assert sum(model.runs_done for model in status.models) == len(world.recorded)
