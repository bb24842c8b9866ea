"""Every name that crosses a process, defined once: API group, labels, conditions, exit codes, variables, object keys.

Operator, trainer, report, client and the generated CRDs import them from here, so that no copy can diverge.
"""

from enum import IntEnum
from typing import Final

GROUP: Final = "ctrlab.dev"
"""API group of both resources, and prefix of every label and annotation."""

VERSION: Final = "v1alpha1"
"""The only served and stored version."""

API_VERSION: Final = f"{GROUP}/{VERSION}"
"""The `apiVersion` of a manifest."""

EXPERIMENT_LABEL: Final = f"{GROUP}/experiment"
"""On every child object: the name of its experiment; for an ablation, of the experiment that it ablates."""

ABLATION_LABEL: Final = f"{GROUP}/ablation"
"""On every child object of an ablation: the name of the ablation."""

PHASE_LABEL: Final = f"{GROUP}/phase"
"""On every child object: its phase; admission policies select tuning pods by it."""

DIGEST_ANNOTATION: Final = f"{GROUP}/digest"
"""On every child object: the digest of what it was built from."""

RETRY_ANNOTATION: Final = f"{GROUP}/retry"
"""On a resource that has failed or lost runs: a new value, whatever it is, requests one retry."""

LOCAL_NAMESPACE: Final = "default"
"""Namespace of a resource that names none, on one machine as on a cluster."""


class ExitCode(IntEnum):
    """Exit codes of processes; the podFailurePolicy of a Job and the local backend interpret the same numbers."""

    SUCCESS = 0
    """The work is done and its record is written."""

    RETRY = 1
    """Worker: the program failed, or an object is missing; the Job retries a few times."""

    INVALID_INPUT = 2
    """`ctrlab`: the specification or the data cannot be used; nothing was started."""

    EXPERIMENT_FAILED = 3
    """`ctrlab run`: the experiment ended without a report."""

    BAD_SPEC_OR_DATA = 42
    """Worker: no retry can help, the whole Job fails (podFailurePolicy `FailJob`)."""

    RUN_FAILED = 43
    """Worker: this index cannot succeed, the others continue (podFailurePolicy `FailIndex`)."""

    UNAVAILABLE = 75
    """Worker: infrastructure is unavailable (EX_TEMPFAIL of sysexits.h); never counts, and is retried without limit."""

    INTERRUPTED = 130
    """`ctrlab run`: stopped by Ctrl-C; the same command resumes."""

    TERMINATED = 143
    """Worker: stopped by SIGTERM after it released its lease; never 0, or a Job would count it as completed."""


class ConditionType:
    """Types of `status.conditions`, after the Kubernetes API conventions and kstatus."""

    READY: Final = "Ready"
    """True while work progresses and when it is done; its reason is the stage."""
    RECONCILING: Final = "Reconciling"
    """True only while a new generation is being processed."""
    STALLED: Final = "Stalled"
    """True when nothing will progress until somebody acts; the message says what to do."""
    PREPARED: Final = "Prepared"
    """The prepared data set is in the store."""
    TUNING_COMPLETE: Final = "TuningComplete"
    """Every study is frozen."""
    EVALUATION_COMPLETE: Final = "EvaluationComplete"
    """Every final run has ended."""
    RUNS_LOST: Final = "RunsLost"
    """Planned final runs ended without a result, for reasons of their own; the message has their names and reasons."""
    REPORT_PUBLISHED: Final = "ReportPublished"
    """The report is in the store."""
    SUCCEEDED: Final = "Succeeded"
    """Terminal: every planned run has a result, and the report is published."""
    FAILED: Final = "Failed"
    """Terminal: the experiment ended without a report."""
    SUSPENDED: Final = "Suspended"
    """`spec.suspend` is set; finished work is kept."""


class Variable:
    """Environment variables that a process of ctrlab reads; the operator's settings class declares its own ones."""

    DATABASE_URL: Final = "CTRLAB_DATABASE_URL"
    """SQLAlchemy URL of the study database."""
    PLAN: Final = "CTRLAB_PLAN"
    """Path of the plan that a worker executes; set on a cluster, where the plan is mounted as a file."""
    WORKER: Final = "CTRLAB_WORKER"
    """Name of the worker in leases and records: the pod's name on a cluster."""
    IMAGE: Final = "CTRLAB_IMAGE"
    """Reference of the image that the pod runs, for the code record."""
    NODE: Final = "CTRLAB_NODE"
    """Name of the Kubernetes node that the pod runs on, for the hardware record."""
    THREADS: Final = "CTRLAB_THREADS"
    """Number of threads that PyTorch computes with (default 1)."""
    TERMINATION_LOG: Final = "CTRLAB_TERMINATION_LOG"
    """File for the last message of a process, which the container's status or the local engine shows."""
    PARENT_PID: Final = "CTRLAB_PARENT_PID"
    """Process of the local engine; its workers end when it is gone."""
    CACHE: Final = "CTRLAB_CACHE"
    """Folder of downloaded objects and data sets (default ~/.cache/ctrlab)."""
    DATA: Final = "CTRLAB_DATA"
    """Folder with data sets that builtin:// sources use before the cache."""
    SOURCE_FOLDER: Final = "CTRLAB_SOURCE_FOLDER"
    """Folder to which the paths of an experiment's sources are relative; set by `ctrlab` to the folder of its file."""
    PVC_ROOT: Final = "CTRLAB_PVC_ROOT"
    """Folder below which pvc:// sources are mounted (default CLAIMS_FOLDER)."""
    DEVICE: Final = "CTRLAB_DEVICE"
    """Device of training: cpu, cuda or auto (the default)."""
    STEPS: Final = "CTRLAB_STEPS"
    """auto (the default) or eager: whether training steps on a GPU may run as recorded CUDA graphs."""
    WORKSPACE: Final = "CTRLAB_WORKSPACE"
    """Workspace of `ctrlab`, unless --workspace names one."""
    OUTAGE_SECONDS: Final = "CTRLAB_OUTAGE_SECONDS"
    """Seconds for which a worker waits for a store or database before it ends with ExitCode.UNAVAILABLE."""
    SEALED_PREFIX: Final = "CTRLAB_SEALED_"
    """Prefix of AWS's variables: credentials for the sealed test rows, where these differ from the others."""


CLAIMS_FOLDER: Final = "/data/pvc"
"""Folder of a worker pod below which the claims of pvc:// sources are mounted, by their names."""


class RunFile:
    """Files in the folder of one attempt of a final run, and in its folder of starts."""

    RECORD: Final = "record.json"
    OPENING: Final = "opening.json"
    PREDICTIONS: Final = "predictions.parquet"
    VALID_PREDICTIONS: Final = "valid_predictions.parquet"
    MODEL: Final = "model.safetensors"
    CURVE: Final = "curve.csv"

    @staticmethod
    def start(number: int) -> str:
        """Return the name of the file that logs a start; numbers begin at 1."""
        return f"{number}.json"

    @staticmethod
    def end(number: int) -> str:
        """Return the name of the file that says how a start ended without a record."""
        return f"{number}-end.json"


class ReportFile:
    """Files of a report that other programs read."""

    MANIFEST: Final = "manifest.json"
    SUMMARY: Final = "summary.json"
    PAGE: Final = "report.html"
    MARKDOWN: Final = "report.md"


class ObjectKey:
    """Keys of objects in the artifact store (`docs/store.md` shows the tree).

    Keys are relative to the folder of an experiment, except those of `dataset`, `sealed` and `latest_uid`, which are
    relative to the root of the store.
    """

    PLAN: Final = "plan.json"
    LINEAGE: Final = "lineage.json"
    REANALYSIS: Final = "reanalysis.json"
    PREPARED: Final = "prepared.json"
    SEED_DECISION: Final = "decisions/seeds.json"
    LATEST_REPORT: Final = "LATEST"
    LATEST_PAGE: Final = "report/index.html"
    """Redirects a browser to the newest report, so that links need not contain its digest."""
    ABLATIONS: Final = "ablations/"
    RETRIES: Final = "retries/"

    @staticmethod
    def latest_uid(namespace: str, name: str) -> str:
        """Return the key, relative to the root, of the uid that `ctrlab run` used last for an experiment."""
        return f"{namespace}/{name}/LATEST"

    @staticmethod
    def study(variant: str) -> str:
        """Return the key of the frozen study of one variant."""
        return f"studies/{variant}.json"

    @staticmethod
    def trials_csv(variant: str) -> str:
        """Return the key of the trials of one variant as a table."""
        return f"studies/{variant}.csv"

    @staticmethod
    def run(variant: str, seed: int, attempt: int, file: str = "") -> str:
        """Return the key of a file of one attempt of a final run; without `file`, its folder."""
        return f"runs/{variant}/{seed}/{attempt}/{file}"

    @staticmethod
    def starts(variant: str, seed: int, file: str = "") -> str:
        """Return the key of a file in the start log of a final run; without `file`, its folder."""
        return f"runs/{variant}/{seed}/starts/{file}"

    @staticmethod
    def retry(number: int) -> str:
        """Return the key of the record of a retry; numbers begin at 1."""
        return f"retries/{number}.json"

    @staticmethod
    def report(digest: str, file: str = "") -> str:
        """Return the key of a file of one report, addressed by the digest of its inputs."""
        return f"report/{digest}/{file}"

    @staticmethod
    def ablation(name: str, uid: str) -> str:
        """Return the key, in an experiment's folder, of the link to an ablation that has a report."""
        return f"ablations/{name}-{uid}.json"

    @staticmethod
    def dataset(digest: str, file: str = "") -> str:
        """Return the key of train and valid rows of a prepared data set, which experiments share."""
        return f"datasets/{digest}/{file}"

    @staticmethod
    def sealed(digest: str, file: str = "") -> str:
        """Return the key of the test rows, under a separate prefix so that it can have its own credentials."""
        return f"sealed/{digest}/test/{file}"
