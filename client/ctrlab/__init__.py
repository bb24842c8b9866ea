"""Statistically rigorous experiments for click-through-rate prediction models.

The names below load and check specifications, derive their plans, and read the records of finished experiments:

    >>> from pathlib import Path
    >>> import ctrlab
    >>> (experiment,) = ctrlab.load_manifests(Path("examples/01-quick-start.yaml"))
    >>> ctrlab.Plan.from_experiment(experiment).trial_budget("DeepFM")
    8

The command `ctrlab` runs experiments.
"""

import importlib.metadata

from ctrlab_api import (
    Ablation,
    Experiment,
    ExperimentKey,
    InvalidInput,
    InvalidSpec,
    Plan,
    PreparedData,
    Problem,
    ReportSummary,
    Resource,
    RunRecord,
    StudyRecord,
    load_manifests,
    parse_manifests,
)
from ctrlab_store import open_store

__all__ = [
    "Ablation",
    "Experiment",
    "ExperimentKey",
    "InvalidInput",
    "InvalidSpec",
    "Plan",
    "PreparedData",
    "Problem",
    "ReportSummary",
    "Resource",
    "RunRecord",
    "StudyRecord",
    "__version__",
    "load_manifests",
    "open_store",
    "parse_manifests",
]

__version__ = importlib.metadata.version("ctrlab")
"""Version of the installed distribution."""
