"""Records as the jobs write them, with defaults for every field; a keyword changes a field."""

from collections.abc import Sequence
from typing import Any

from ctrlab_api.records import (
    BestChoice,
    CodeRecord,
    EnvironmentRecord,
    HardwareRecord,
    PreparedData,
    ProcessRecord,
    RandomnessRecord,
    RunRecord,
    SeedDecision,
    SplitSummary,
    StudyRecord,
    TestOpening,
    TrialRecord,
)

STARTED = "2026-05-01T11:00:00Z"
ENDED = "2026-05-01T11:00:12Z"


def digest_of(character: str) -> str:
    """Return a digest that consists of one character."""
    return f"sha256:{character * 64}"


def make_split_summary(rows: int = 1, positives: int = 1, **changes: Any) -> SplitSummary:
    """Return the counts of one split."""
    default = {"row_ids_digest": "sha256:0", "files": {}}
    return SplitSummary(rows=rows, positives=positives, **{**default, **changes})


def make_prepared_data(**changes: Any) -> PreparedData:
    """Return the record of a data set of one row in each split."""
    default = {
        "digest": "sha256:da7a",
        "encoder_version": "1",
        "sources": (),
        **dict.fromkeys(("train", "valid", "test"), make_split_summary()),
        "vocabulary": {},
        "vocabulary_digest": "sha256:0",
        "embedding_rows": 1,
    }
    return PreparedData(**{**default, **changes})


def make_trial_record(number: int = 0, **changes: Any) -> TrialRecord:
    """Return a completed trial of the slot with its number."""
    default = {
        "slot": number,
        "counted": True,
        "state": "COMPLETE",
        "value": 0.7,
        "parameters": {},
        "distributions": {},
        "curve": {},
        "worker": "worker-0",
        "started": "2026-05-01T10:00:00Z",
        "seconds": 1.0,
    }
    return TrialRecord(number=number, **{**default, **changes})


def make_study_record(variant: str = "M", trials: Sequence[TrialRecord] = (), **changes: Any) -> StudyRecord:
    """Return a frozen study of these trials, which make up its budget and time."""
    default = {
        "plan_digest": "sha256:p",
        "dataset_digest": "sha256:d",
        "primary_metric": "auc",
        "direction": "maximize",
        "sampler": "TPE",
        "sampler_seed": 1,
        "pruner": "Median",
        "budget": len(trials),
        "best": BestChoice(parameters={}, justification=""),
        "versions": {},
        "seconds": sum(trial.seconds or 0.0 for trial in trials),
    }
    return StudyRecord(variant=variant, trials=tuple(trials), **{**default, **changes})


def make_test_opening(**changes: Any) -> TestOpening:
    """Return the first opening of the test rows by a final run."""
    default = {
        "at": STARTED,
        "by": "host-1:4242",
        "plan_digest": "sha256:p",
        "token": "t",
        "attempt": 1,
        "reason": "first",
    }
    return TestOpening(**{**default, **changes})


def make_run_record(variant: str, seed: int, **changes: Any) -> RunRecord:
    """Return the first attempt of a final run that succeeded; it has no metrics and no curve."""
    default = {
        "experiment": "default/study/0a1b2c",
        "architecture": variant.lower(),
        "attempt": 1,
        "state": "Succeeded",
        "plan_digest": "sha256:p",
        "config_digest": digest_of("c"),
        "dataset_digest": "sha256:d",
        "search_digest": "sha256:s",
        "config": {},
        "tuned": {},
        "parameters": 1,
        "device": "cpu",
        "precision": "float32",
        "metrics_valid": {},
        "metrics_test": {},
        "metric_definitions": {},
        "metric_details": {},
        "best_epoch": 1,
        "curve": (),
        "model_sha256": digest_of("b"),
        "openings": (make_test_opening(),),
        "code": CodeRecord(package="ctrlab", version="0.1.0", git_commit="8de2f4b", git_dirty=False),
        "environment": EnvironmentRecord(
            python="3.11.9",
            platform="Linux-6.1-x86_64",
            packages={"numpy": "2.4.6", "torch": "2.13.0"},
            threads=1,
            variables={"OMP_NUM_THREADS": "1"},
        ),
        "hardware": HardwareRecord(cpu="x86-64", cores=2, memory_bytes=8 * 2**30),
        "randomness": RandomnessRecord(
            root=seed,
            purposes={"init": seed + 1, "order": seed + 2},
            deterministic_requested=True,
            deterministic_achieved=True,
        ),
        "process": ProcessRecord(
            started=STARTED,
            ended=ENDED,
            wall_seconds=12.5,
            cpu_seconds=11.9,
            peak_memory_bytes=512 * 2**20,
            worker="host-1",
        ),
        "reproduce": f"ctrlab-trainer evaluate --variant {variant} --seed {seed}",
        "tolerance": "bit-equal on the same version, device and thread count",
    }
    return RunRecord(variant=variant, seed=seed, **{**default, **changes})


def make_seed_decision(count: int = 7, **changes: Any) -> SeedDecision:
    """Return the decision that five pilot seeds lead to `count` seeds."""
    default = {"pilot": 5, "half_width": 0.001, "metric": "auc", "pilot_sd": {}, "reason": "because"}
    return SeedDecision(count=count, **{**default, **changes})
