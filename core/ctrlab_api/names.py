"""Every name that crosses a process, once: API group, labels, conditions, exit codes, object keys.

A name written twice drifts apart; what is written here is imported by operator, trainer, report and the generated CRDs.
"""

from enum import IntEnum
from typing import Final

GROUP: Final = "ctrlab.dev"
"""API group of both resources, and prefix of every label and annotation."""

VERSION: Final = "v1alpha1"
"""The only served and stored version."""

API_VERSION: Final = f"{GROUP}/{VERSION}"
"""What a manifest writes as `apiVersion`."""

EXPERIMENT_LABEL: Final = f"{GROUP}/experiment"
"""On every child: the name of the experiment it belongs to; on an ablation's, of the experiment that it takes apart."""

ABLATION_LABEL: Final = f"{GROUP}/ablation"
"""On every child of an ablation: the ablation's name."""

PHASE_LABEL: Final = f"{GROUP}/phase"
"""On every child: the phase it works for; admission policies select tuning pods by it."""

DIGEST_ANNOTATION: Final = f"{GROUP}/digest"
"""On every child: the digest of what it was made from."""

SEALED_CREDENTIALS_PREFIX: Final = "CTRLAB_SEALED_"
"""Before the names of AWS's variables: the credentials that open the sealed test rows, where they are others."""

LOCAL_NAMESPACE: Final = "default"
"""Namespace of a resource that names none, on one machine as on a cluster."""


class ExitCode(IntEnum):
    """How a process ends; a Job's podFailurePolicy and the local backend read the same numbers."""

    SUCCESS = 0
    """The work is done and its record is written."""

    INVALID_INPUT = 2
    """Of `ctrlab`: the specification or the data cannot be used; nothing was started."""

    EXPERIMENT_FAILED = 3
    """Of `ctrlab run`: the experiment ended without a report."""

    BAD_SPEC_OR_DATA = 42
    """Of a worker: no retry can help, the whole job fails (podFailurePolicy `FailJob`)."""

    RUN_FAILED = 43
    """Of a worker: this index cannot succeed, the others go on (podFailurePolicy `FailIndex`)."""

    INTERRUPTED = 130
    """Of `ctrlab run`: stopped by Ctrl-C; the same command resumes."""

    TERMINATED = 143
    """Of a worker: stopped by SIGTERM with its lease given back; never 0, or a Job would count it as completed."""


class ConditionType:
    """Types of `status.conditions`, after the Kubernetes API conventions and kstatus."""

    READY: Final = "Ready"
    """True while work goes well and when it is done; its reason is the stage."""
    RECONCILING: Final = "Reconciling"
    """True only while a new generation is being taken in."""
    STALLED: Final = "Stalled"
    """True when nothing will move until somebody acts; the message says what to do."""
    PREPARED: Final = "Prepared"
    """The encoded data set is in the store."""
    TUNING_COMPLETE: Final = "TuningComplete"
    """Every model's search is frozen."""
    EVALUATION_COMPLETE: Final = "EvaluationComplete"
    """Every (variant, seed) has ended."""
    REPORT_PUBLISHED: Final = "ReportPublished"
    """The report is in the store."""
    SUCCEEDED: Final = "Succeeded"
    """Terminal: the report is published."""
    FAILED: Final = "Failed"
    """Terminal: the experiment ended without a report."""
    SUSPENDED: Final = "Suspended"
    """`spec.suspend` is set; finished work is kept."""


class ObjectKey:
    """Keys below an experiment's folder in the artifact store (`docs/store.md` has the tree)."""

    PLAN: Final = "plan.json"
    LINEAGE: Final = "lineage.json"
    PREPARED: Final = "prepared.json"
    SEED_DECISION: Final = "decisions/seeds.json"
    LATEST_REPORT: Final = "LATEST"
    LATEST_PAGE: Final = "report/index.html"
    """Leads a browser to the newest report, so that links need not know its digest."""
    ABLATIONS: Final = "ablations/"

    @staticmethod
    def study(variant: str) -> str:
        """The frozen search of one variant."""
        return f"studies/{variant}.json"

    @staticmethod
    def trials_csv(variant: str) -> str:
        """The trials of one variant as a table."""
        return f"studies/{variant}.csv"

    @staticmethod
    def run(variant: str, seed: int, attempt: int, file: str = "") -> str:
        """One attempt at one final run; without `file`, its folder."""
        return f"runs/{variant}/{seed}/{attempt}/{file}"

    @staticmethod
    def starts(variant: str, seed: int, file: str = "") -> str:
        """The log of how often a final run began; without `file`, its folder."""
        return f"runs/{variant}/{seed}/starts/{file}"

    @staticmethod
    def report(digest: str, file: str = "") -> str:
        """One report, addressed by the digest of its inputs."""
        return f"report/{digest}/{file}"

    @staticmethod
    def ablation(name: str, uid: str) -> str:
        """In an experiment's folder: that an ablation of it has a report."""
        return f"ablations/{name}-{uid}.json"

    @staticmethod
    def dataset(digest: str, file: str = "") -> str:
        """Below the store's root: train and valid rows of one encoded data set, shared by experiments."""
        return f"datasets/{digest}/{file}"

    @staticmethod
    def sealed(digest: str, file: str = "") -> str:
        """Below the store's root: the test rows, under a prefix of their own so that credentials can differ."""
        return f"sealed/{digest}/test/{file}"

    @staticmethod
    def experiment(namespace: str, name: str, uid: str, file: str = "") -> str:
        """Below the store's root: everything of one experiment."""
        return f"{namespace}/{name}/{uid}/{file}"
