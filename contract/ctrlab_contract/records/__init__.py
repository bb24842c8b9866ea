"""Every JSON that crosses a process, as versioned models: written once, never changed."""

from ctrlab_contract.records.lineage import EarlierPlan, Lineage
from ctrlab_contract.records.prepared import FileDigest, PreparedData, SplitSummary
from ctrlab_contract.records.run import (
    Anomaly,
    CodeRecord,
    EnvironmentRecord,
    EpochRecord,
    HardwareRecord,
    ProcessRecord,
    RandomnessRecord,
    Repetition,
    RunRecord,
    TestOpening,
)
from ctrlab_contract.records.seeds import SeedDecision
from ctrlab_contract.records.starts import RunEnd, RunStart, cut_off
from ctrlab_contract.records.study import BestChoice, StudyRecord, TrialRecord, search_token
from ctrlab_contract.records.summary import Finding, Machine, Method, ReportSummary, TestOpenings
from ctrlab_contract.records.summary_parts import (
    ComparisonSummary,
    Cost,
    CurvePoint,
    MetricSummary,
    ModelSummary,
    ReliabilityBin,
    RunSummary,
    TuningSummary,
    VerdictName,
)
from ctrlab_contract.records.summary_statistics import (
    Detectable,
    EffectSize,
    Equivalence,
    ExactCheck,
    Interval,
    PopulationEstimate,
    Rate,
    SeedEstimate,
)

__all__ = [
    "Anomaly",
    "BestChoice",
    "CodeRecord",
    "ComparisonSummary",
    "Cost",
    "CurvePoint",
    "Detectable",
    "EarlierPlan",
    "EffectSize",
    "EnvironmentRecord",
    "EpochRecord",
    "Equivalence",
    "ExactCheck",
    "FileDigest",
    "Finding",
    "HardwareRecord",
    "Interval",
    "Lineage",
    "Machine",
    "Method",
    "MetricSummary",
    "ModelSummary",
    "PopulationEstimate",
    "PreparedData",
    "ProcessRecord",
    "RandomnessRecord",
    "Rate",
    "ReliabilityBin",
    "Repetition",
    "ReportSummary",
    "RunEnd",
    "RunRecord",
    "RunStart",
    "RunSummary",
    "SeedDecision",
    "SeedEstimate",
    "SplitSummary",
    "StudyRecord",
    "TestOpening",
    "TestOpenings",
    "TrialRecord",
    "TuningSummary",
    "VerdictName",
    "cut_off",
    "search_token",
]
