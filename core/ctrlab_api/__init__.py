"""The API that operator, trainer, report and client share: resources, plan, records, architecture declarations, names.

It depends on pydantic and PyYAML alone, so that every process can import it. The names below are its public part.
"""

from ctrlab_api.architectures import ARCHITECTURES, Architecture
from ctrlab_api.errors import InvalidData, InvalidInput, InvalidSpec, Problem
from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.loading.resource_loading import Resource, load_manifests, parse_manifests, parse_resource
from ctrlab_api.names import API_VERSION, ExitCode, ObjectKey
from ctrlab_api.plan import FinalRun, Plan, Variant
from ctrlab_api.records import PreparedData, ReportSummary, RunRecord, StudyRecord
from ctrlab_api.resources.ablation import Ablation
from ctrlab_api.resources.experiment import Experiment
from ctrlab_api.resources.status import ExperimentStatus

__all__ = [
    "API_VERSION",
    "ARCHITECTURES",
    "Ablation",
    "Architecture",
    "ExitCode",
    "Experiment",
    "ExperimentKey",
    "ExperimentStatus",
    "FinalRun",
    "InvalidData",
    "InvalidInput",
    "InvalidSpec",
    "ObjectKey",
    "Plan",
    "PreparedData",
    "Problem",
    "ReportSummary",
    "Resource",
    "RunRecord",
    "StudyRecord",
    "Variant",
    "load_manifests",
    "parse_manifests",
    "parse_resource",
]
