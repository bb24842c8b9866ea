"""`report/<digest>/summary.json`: all results of a report as data, with the method of each number."""

from typing import Literal

from pydantic import Field

from ctrlab_api.records.ablation_summary import AblationSummary
from ctrlab_api.records.prepared_data import PreparedData
from ctrlab_api.records.reanalysis import Reanalysis
from ctrlab_api.records.runs import CodeRecord, EnvironmentRecord, HardwareRecord
from ctrlab_api.records.seed_decisions import SeedDecision
from ctrlab_api.records.summary_rows import ComparisonSummary, ModelSummary, TuningSummary
from ctrlab_api.resources.tuning import ExecutionMode
from ctrlab_api.schema_types import ApiModel


class MethodRecord(ApiModel):
    """The method that computed a number."""

    title: str
    package: str = Field(alias="library")
    """The installed package that computed it; `library` in summary.json."""
    version: str
    assumes: str
    """The population that the number is a claim about, and the assumptions."""
    source: str
    """Paper or book that describes the method."""


class TestOpenings(ApiModel):
    """The number of openings of the sealed test rows, by cause."""

    __test__ = False
    total: int
    first_attempts: int
    reruns: int
    earlier_plans: tuple[str, ...] = ()
    """Digests of earlier plans that opened the same test rows: of the same name, or with a model of this plan."""


class Finding(ApiModel):
    """A note or warning for readers of the report."""

    severity: Literal["note", "warning"]
    where: str
    message: str


class Machine(ApiModel):
    """One combination of machine and environment that final runs used."""

    code: CodeRecord
    environment: EnvironmentRecord
    hardware: HardwareRecord
    device: str
    precision: str
    execution_mode: ExecutionMode = "plain"
    runs: int


class ReportSummary(ApiModel):
    """The report as data; HTML, Markdown and tables are rendered from it."""

    schema_version: Literal[1] = 1
    namespace: str
    experiment: str
    uid: str
    digest: str
    """Digest of the inputs and of the versions of the code that read them; the address of the report."""
    status: Literal["confirmatory", "exploratory"]
    status_reason: str
    reanalysis: Reanalysis | None = None
    """The experiment whose studies and runs this plan uses, if it changed the analysis only."""
    plan_digest: str
    search_token: str
    """Digest over all frozen studies: the token that opened the test rows."""
    question: str
    answers: tuple[str, ...]
    """One sentence for each primary comparison, or one about a single model."""
    missing_statement: str | None = None
    """Number and names of the planned final runs without a result, as a sentence; absent where all have one."""
    primary_metric: str
    metrics: tuple[str, ...]
    metric_definitions: dict[str, str]
    metric_details: dict[str, float]
    """Numbers needed to interpret the metrics, such as the share of users that gauc skips."""
    reference: str
    confidence: float
    correction: str
    margin: float | None = None
    seeds: tuple[int, ...]
    """Planned seeds, the extension included."""
    cluster: str | None = None
    """The column by which standard errors over test rows are clustered; absent for independent rows."""
    data: PreparedData
    data_source: str
    split: str
    models: tuple[ModelSummary, ...]
    """In the plan's order."""
    comparisons: tuple[ComparisonSummary, ...]
    """Primary ones first, then exploratory ones, in the plan's order."""
    tuning: tuple[TuningSummary, ...]
    tuning_statement: str | None = None
    """Whether the studies had equal budgets, and their cost."""
    ablation: AblationSummary | None = None
    """Absent except in the report of an ablation."""
    seed_decision: SeedDecision | None = None
    openings: TestOpenings
    findings: tuple[Finding, ...]
    machines: tuple[Machine, ...]
    methods: dict[str, MethodRecord]
    inputs: dict[str, str]
    """SHA-256 of every object that was read, by its key below the experiment's folder."""
    versions: dict[str, str]
    """Versions of the code that computed this report."""
