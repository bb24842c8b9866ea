"""`report/<digest>/summary.json`: everything that a report says, as numbers with their origin."""

from typing import Literal

from pydantic import Field

from ctrlab_api.records.ablation_summary import AblationSummary
from ctrlab_api.records.prepared_data import PreparedData
from ctrlab_api.records.runs import CodeRecord, EnvironmentRecord, HardwareRecord
from ctrlab_api.records.seed_decisions import SeedDecision
from ctrlab_api.records.summary_rows import ComparisonSummary, ModelSummary, TuningSummary
from ctrlab_api.resources.tuning import ExecutionMode
from ctrlab_api.schema_types import ApiModel


class MethodRecord(ApiModel):
    """How a number was computed."""

    title: str
    package: str = Field(alias="library")
    """The installed package that computed it; `library` in summary.json."""
    version: str
    assumes: str
    """What the number is a claim about, and what has to hold."""
    source: str
    """The paper or book."""


class TestOpenings(ApiModel):
    """How often the sealed test set was opened, and by what."""

    __test__ = False
    total: int
    first_attempts: int
    reruns: int
    earlier_plans: tuple[str, ...] = ()
    """Digests of earlier plans that opened the same test rows: of the same name, or with a model of this one."""


class Finding(ApiModel):
    """Something that a reader should know before using the numbers."""

    severity: Literal["note", "warning"]
    where: str
    message: str


class Machine(ApiModel):
    """One kind of machine and environment that final runs used."""

    code: CodeRecord
    environment: EnvironmentRecord
    hardware: HardwareRecord
    device: str
    precision: str
    execution_mode: ExecutionMode = "plain"
    runs: int


class ReportSummary(ApiModel):
    """The report as data; the page, the Markdown and the tables are renderings of it."""

    schema_version: Literal[1] = 1
    namespace: str
    experiment: str
    uid: str
    digest: str
    """Of the inputs and of the versions of the code that read them; the report's address."""
    status: Literal["confirmatory", "exploratory"]
    status_reason: str
    plan_digest: str
    search_token: str
    """Digest over all frozen searches: what opened the test set."""
    question: str
    answers: tuple[str, ...]
    """One sentence for each primary comparison, or one about the single model."""
    primary_metric: str
    metrics: tuple[str, ...]
    metric_definitions: dict[str, str]
    metric_details: dict[str, float]
    """Such as the share of users that gauc had to skip."""
    reference: str
    confidence: float
    correction: str
    margin: float | None = None
    seeds: tuple[int, ...]
    """Planned, extension included."""
    cluster: str | None = None
    """The column whose values the test-sample errors are clustered by; absent for independent rows."""
    data: PreparedData
    data_source: str
    split: str
    models: tuple[ModelSummary, ...]
    """In the plan's order."""
    comparisons: tuple[ComparisonSummary, ...]
    """Primary ones first, then exploratory ones, in the plan's order."""
    tuning: tuple[TuningSummary, ...]
    tuning_statement: str | None = None
    """Whether the searches had equal budgets, and what they took."""
    ablation: AblationSummary | None = None
    """Of an ablation alone."""
    seed_decision: SeedDecision | None = None
    openings: TestOpenings
    findings: tuple[Finding, ...]
    machines: tuple[Machine, ...]
    methods: dict[str, MethodRecord]
    inputs: dict[str, str]
    """sha256 of every object that was read, by its key below the experiment's folder."""
    versions: dict[str, str]
    """Of the code that made this report."""
