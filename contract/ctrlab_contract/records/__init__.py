"""Every JSON that crosses a process, as versioned models: written once, never changed."""

from ctrlab_contract.records.prepared import FileDigest, PreparedData, SplitSummary
from ctrlab_contract.records.run import (
    Anomaly,
    CodeRecord,
    EnvironmentRecord,
    EpochRecord,
    HardwareRecord,
    ProcessRecord,
    RandomnessRecord,
    RunRecord,
    TestOpening,
)
from ctrlab_contract.records.seeds import SeedDecision
from ctrlab_contract.records.study import BestChoice, StudyRecord, TrialRecord, search_token

__all__ = [
    "Anomaly",
    "BestChoice",
    "CodeRecord",
    "EnvironmentRecord",
    "EpochRecord",
    "FileDigest",
    "HardwareRecord",
    "PreparedData",
    "ProcessRecord",
    "RandomnessRecord",
    "RunRecord",
    "SeedDecision",
    "SplitSummary",
    "StudyRecord",
    "TestOpening",
    "TrialRecord",
    "search_token",
]
