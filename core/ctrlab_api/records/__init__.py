"""The JSON records that processes write for each other, as versioned models: written once, never changed."""

from ctrlab_api.records.lineage import EarlierPlan, Lineage
from ctrlab_api.records.prepared_data import FileDigest, PreparedData, SplitSummary
from ctrlab_api.records.report_summary import Finding, Machine, MethodRecord, ReportSummary, TestOpenings
from ctrlab_api.records.retries import LostRun, RetryRecord
from ctrlab_api.records.run_starts import RunEnd, RunStart, interrupted_start
from ctrlab_api.records.runs import (
    Anomaly,
    CodeRecord,
    EnvironmentRecord,
    EpochRecord,
    HardwareRecord,
    ProcessRecord,
    RandomnessRecord,
    RetrainingRecord,
    RunRecord,
    TestOpening,
)
from ctrlab_api.records.seed_decisions import SeedDecision
from ctrlab_api.records.studies import BestChoice, StudyRecord, TrialRecord, search_token
from ctrlab_api.records.summary_rows import (
    ComparisonSummary,
    CostSummary,
    CurvePoint,
    MetricSummary,
    ModelSummary,
    ReliabilityBin,
    RunSummary,
    TuningSummary,
    VerdictName,
)
from ctrlab_api.records.summary_statistics import (
    ConfidenceInterval,
    DetectableDifference,
    DistributionFreeTest,
    EffectSize,
    Equivalence,
    FailureRate,
    PopulationEstimate,
    SeedEstimate,
    SingleRun,
)

__all__ = [
    "Anomaly",
    "BestChoice",
    "CodeRecord",
    "ComparisonSummary",
    "ConfidenceInterval",
    "CostSummary",
    "CurvePoint",
    "DetectableDifference",
    "DistributionFreeTest",
    "EarlierPlan",
    "EffectSize",
    "EnvironmentRecord",
    "EpochRecord",
    "Equivalence",
    "FailureRate",
    "FileDigest",
    "Finding",
    "HardwareRecord",
    "Lineage",
    "LostRun",
    "Machine",
    "MethodRecord",
    "MetricSummary",
    "ModelSummary",
    "PopulationEstimate",
    "PreparedData",
    "ProcessRecord",
    "RandomnessRecord",
    "ReliabilityBin",
    "ReportSummary",
    "RetrainingRecord",
    "RetryRecord",
    "RunEnd",
    "RunRecord",
    "RunStart",
    "RunSummary",
    "SeedDecision",
    "SeedEstimate",
    "SingleRun",
    "SplitSummary",
    "StudyRecord",
    "TestOpening",
    "TestOpenings",
    "TrialRecord",
    "TuningSummary",
    "VerdictName",
    "interrupted_start",
    "search_token",
]
