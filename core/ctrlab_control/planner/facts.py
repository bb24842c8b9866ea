"""Everything that a backend observed about one experiment at one moment.

The order of observation matters: jobs first, the study database second, the store last. A job that was observed as
complete has then already written its record, so a missing record will never appear.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from ctrlab_api.checks.experiment_checks import check_experiment
from ctrlab_api.errors import Problem
from ctrlab_api.plan import FinalRun, Plan
from ctrlab_api.records import PreparedData, RetryRecord, SeedDecision
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ReportStatus
from ctrlab_control.planner.ablation_facts import AblationFacts

JobState = Literal["Active", "Complete", "Failed", "Deleting"]


@dataclass(frozen=True)
class Outage:
    """Infrastructure that the workers of a job wait for."""

    message: str
    """The unavailable service, as reported by the last worker that gave up."""
    since: str
    """RFC 3339, UTC."""


@dataclass(frozen=True)
class JobFacts:
    """One child job."""

    state: JobState
    """Active: waiting or running. Deleting: being removed, its name not yet free."""
    parallelism: int = 1
    """The planner's last request; a queueing system may have admitted fewer."""
    active_seconds: float = 0.0
    """Seconds for which the job has been active."""
    failed_indexes: frozenset[int] = frozenset()
    """Indexes that used up their retries."""
    non_retriable: bool = False
    """Whether the whole job failed because the specification or the data are wrong (exit code 42)."""
    message: str = ""
    """Why the job failed: the termination message of its worker."""
    is_outdated: bool = False
    """Whether the specification now asks for other workers (image, resources, environment, ...) than the job starts."""
    running: int = 0
    """Number of workers that have started and not ended; a backend that replaces outdated jobs observes it."""
    waiting: int = 0
    """Number of workers that the job is about to start or cannot start."""
    index_messages: Mapping[int, str] = field(default_factory=dict)
    """Why each failed index failed, where that is known."""
    outage: Outage | None = None
    """Set while workers cannot run because infrastructure is unavailable; they are started again without limit."""


@dataclass(frozen=True)
class StudyFacts:
    """The studies of one variant."""

    done: int = 0
    """Slots of the budget that are done, failed trials included."""
    failed: int = 0
    best: float | None = None
    last_failure: str | None = None
    digest: str | None = None
    """Digest of the frozen study; None while it is in progress."""
    budget: int | None = None
    """Number of slots if it is known: that of the plan, or more if it was raised."""


@dataclass(frozen=True)
class Facts:
    """The only input of `decide`."""

    experiment: Experiment
    """Specification, metadata and the last written status; for an ablation the result of `as_experiment`."""
    now: str
    """RFC 3339, UTC; only ever copied into lastTransitionTime."""
    frozen_plan: Plan | None = None
    """The plan in the store; None before anything has run."""
    jobs: Mapping[str, JobFacts] = field(default_factory=dict)
    prepared: PreparedData | None = None
    studies: Mapping[str, StudyFacts] = field(default_factory=dict)
    """Facts by variant; a missing variant has not started."""
    runs: frozenset[FinalRun] = frozenset()
    """Each (variant, seed) that has a record, however many attempts it took."""
    decision: SeedDecision | None = None
    report: ReportStatus | None = None
    retries: tuple[RetryRecord, ...] = ()
    """Every retry on record, in order."""
    ablation: AblationFacts | None = None
    """None for an experiment."""

    @cached_property
    def requested_plan(self) -> Plan:
        """The plan of the current specification; the parent's plan for an ablation with an invalid specification."""
        if self.ablation is not None and self.ablation.plan is not None:
            return self.ablation.plan
        return Plan.from_experiment(self.experiment)

    @cached_property
    def plan(self) -> Plan:
        """The frozen plan, or the plan that would be frozen."""
        return self.frozen_plan or self.requested_plan

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Problems of the specification that its schema cannot detect."""
        return tuple(check_experiment(self.experiment)) if self.ablation is None else self.ablation.problems

    def study(self, variant: str) -> StudyFacts:
        """Return the facts about a variant's studies; zeros if they have not started."""
        return self.studies.get(variant, StudyFacts())

    def budget(self, variant: str) -> int:
        """Return the number of trials of a variant's studies: that of the plan, or more if it was raised."""
        planned = self.plan.trial_budget(variant)
        return max(planned, self.study(variant).budget or 0)

    @property
    def all_studies_frozen(self) -> bool:
        """Whether every study is frozen."""
        return all(self.study(name).digest is not None for name in self.plan.names)

    @property
    def seed_count(self) -> int:
        """Seeds of each variant: as planned, or as decided by the seed extension."""
        planned = self.plan.evaluation.seeds.count
        return max(planned, self.decision.count) if self.decision else planned

    @property
    def planned_runs(self) -> tuple[FinalRun, ...]:
        """Every planned final run, including those of the seed extension."""
        return tuple(self.plan.final_runs(self.seed_count))

    @property
    def retry_request(self) -> str | None:
        """The value of a retry annotation that was not acted on; None if there is none."""
        return self.experiment.metadata.retry_request(self.experiment.status)

    def is_true(self, *conditions: str) -> bool:
        """Return whether one of these conditions is True in the last status."""
        status = self.experiment.status
        return status is not None and status.is_true(*conditions)

    @property
    def active_jobs(self) -> tuple[str, ...]:
        """Names of the jobs that may use a machine now, sorted."""
        return tuple(sorted(name for name, job in self.jobs.items() if job.state == "Active"))
