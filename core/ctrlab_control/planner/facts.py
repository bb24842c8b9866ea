"""What a backend observed of one experiment, in one place and at one moment.

The order of observation matters: jobs first, the study second, the store last. A job that was seen complete has then
already written its record, so a record that is missing is missing for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from ctrlab_api.checks.experiment_checks import check_experiment
from ctrlab_api.errors import Problem
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.records import PreparedData, SeedDecision
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ReportStatus
from ctrlab_control.planner.ablation_facts import AblationFacts

JobState = Literal["Active", "Complete", "Failed", "Deleting"]


@dataclass(frozen=True)
class JobFacts:
    """One child job."""

    state: JobState
    """Active: waiting or running. Deleting: being removed, its name not yet free."""
    parallelism: int = 1
    """As the planner asked for it last; a queueing system may have admitted fewer."""
    active_seconds: float = 0.0
    """How long it has been at work."""
    failed_indexes: frozenset[int] = frozenset()
    """Indexes that used up their retries."""
    hopeless: bool = False
    """It failed as a whole because the specification or the data are wrong (exit code 42)."""
    message: str = ""
    """Why it failed, as its worker said it."""


@dataclass(frozen=True)
class StudyFacts:
    """One variant's search."""

    done: int = 0
    """Slots of the budget that are done, failed trials included."""
    failed: int = 0
    best: float | None = None
    last_failure: str | None = None
    digest: str | None = None
    """Of the frozen search; None while it goes on."""
    budget: int | None = None
    """Trials that it has room for, where that is known; the plan's number, or more where that was raised."""


@dataclass(frozen=True)
class Facts:
    """Everything that `decide` may know."""

    experiment: Experiment
    """Specification, metadata, and the status that was written last; of an ablation as `as_experiment` makes it."""
    now: str
    """RFC 3339, UTC; only ever copied into lastTransitionTime."""
    frozen: Plan | None = None
    """The plan in the store; None before anything ran."""
    jobs: Mapping[str, JobFacts] = field(default_factory=dict)
    prepared: PreparedData | None = None
    searches: Mapping[str, StudyFacts] = field(default_factory=dict)
    """By variant; a variant that is missing has not begun."""
    runs: frozenset[FinalRun] = frozenset()
    """Each (variant, seed) that has a record, however many attempts it took."""
    decision: SeedDecision | None = None
    report: ReportStatus | None = None
    ablation: AblationFacts | None = None
    """Of an ablation alone."""

    @cached_property
    def asked(self) -> Plan:
        """The plan of the specification as it is now; of an ablation that names what is not there, its parent's."""
        if self.ablation is not None and self.ablation.plan is not None:
            return self.ablation.plan
        return Plan.from_experiment(self.experiment)

    @cached_property
    def plan(self) -> Plan:
        """The frozen plan, or what it would be."""
        return self.frozen or self.asked

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the specification although its schema accepts it."""
        return tuple(check_experiment(self.experiment)) if self.ablation is None else self.ablation.problems

    def search(self, variant: str) -> StudyFacts:
        """The search of a variant, also of one that has not begun."""
        return self.searches.get(variant, StudyFacts())

    def budget(self, variant: str) -> int:
        """Trials of a variant's searches: those of the plan until more were asked for."""
        planned = self.plan.trial_budget(variant)
        return max(planned, self.search(variant).budget or 0)

    @property
    def all_frozen(self) -> bool:
        """Whether every search is frozen."""
        return all(self.search(name).digest is not None for name in self.plan.names)

    @property
    def seed_count(self) -> int:
        """Seeds of each variant: as planned, or as the one extension decided."""
        planned = self.plan.evaluation.seeds.count
        return max(planned, self.decision.count) if self.decision else planned

    def holds(self, condition: str) -> bool:
        """Whether the last status had this condition True."""
        status = self.experiment.status
        return status is not None and status.is_true(condition)

    @property
    def active_jobs(self) -> tuple[str, ...]:
        """Names of the jobs that may use a machine now, sorted."""
        return tuple(sorted(name for name, job in self.jobs.items() if job.state == "Active"))
