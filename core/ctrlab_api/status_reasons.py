"""Every reason of `status.conditions`: what it means, what to do, and whether somebody must act.

docs/operator.md shows the table, and the operator derives Ready, Reconciling and Stalled from `effect`.
"""

from dataclasses import dataclass
from typing import Final, Literal

Effect = Literal["working", "waiting", "stalled", "ended", "neutral"]
"""The meaning of a reason for the summary of the resource.

working: Ready is True. waiting: Ready is False and Reconciling is True, because the cause ends without a change of the
resource. stalled: Ready is False and Stalled is True, because somebody must act. ended: the resource has failed, which
is Stalled as well. neutral: the reason of a condition that does not summarize the resource.
"""

AUTOMATIC: Final = "nothing; it continues automatically"


@dataclass(frozen=True)
class StatusReason:
    """One reason."""

    effect: Effect
    meaning: str
    action: str = AUTOMATIC


STATUS_REASONS: Final[dict[str, StatusReason]] = {
    "Pending": StatusReason("working", "nothing has started"),
    "Preparing": StatusReason("working", "the data set is encoded"),
    "Tuning": StatusReason("working", "workers run the trials of the studies"),
    "Evaluating": StatusReason("working", "the final runs are trained and tested"),
    "Deciding": StatusReason("working", "the number of seeds is decided"),
    "Extending": StatusReason("working", "the final runs of the additional seeds are trained and tested"),
    "Reporting": StatusReason("working", "the statistics are computed and the report is written"),
    "Succeeded": StatusReason("working", "the report is published; the message has its verdict and address", "nothing"),
    "Suspended": StatusReason(
        "working", "`spec.suspend` is true; finished work is kept", "set `spec.suspend` to false to continue"
    ),
    "WaitingForExperiment": StatusReason("working", "an ablation waits for its experiment to succeed"),
    "ApplyingChange": StatusReason(
        "neutral",
        "a changed specification has not reached every Job: Jobs whose pods have not started are replaced at once, "
        "others when their running pods have ended",
    ),
    "Queued": StatusReason(
        "waiting",
        "Kueue holds a Job, and none of the pods runs; the message is that of the Workload",
        "nothing, if the queue is busy; otherwise lower `spec.runtime.resources` or raise the quota of the queue",
    ),
    "Unschedulable": StatusReason(
        "waiting",
        "no node has room for a pod, or a node may still be added, and none of the pods runs",
        "nothing, if nodes will become free or are added; otherwise lower `spec.runtime.resources`",
    ),
    "QuotaExceeded": StatusReason(
        "waiting",
        "the namespace's ResourceQuota is used up by other pods, and none of this resource runs",
        "nothing, if other pods will end; otherwise raise the quota",
    ),
    "InfrastructureUnavailable": StatusReason(
        "waiting",
        "the workers of a Job cannot use the store, the database, the network or a disk; the message says which, and "
        "since when. They are started again without limit, after delays of up to ten minutes, and nothing is counted",
        "nothing, if it returns; otherwise correct what the message names",
    ),
    "DatabaseUnavailable": StatusReason(
        "waiting", "PostgreSQL does not respond", "nothing, if it returns; otherwise check the database"
    ),
    "StoreUnavailable": StatusReason(
        "waiting", "the bucket does not respond", "nothing, if it returns; otherwise check `spec.storage.endpoint`"
    ),
    "DatabaseRefused": StatusReason(
        "stalled",
        "PostgreSQL denies access, or the database or the role does not exist",
        "correct the URL in the Secret of `spec.storage.databaseSecretRef`",
    ),
    "StoreRefused": StatusReason(
        "stalled",
        "the store denies access, or the bucket does not exist",
        "correct `spec.storage.artifacts` or the Secret of `spec.storage.secretRef`, or create the bucket",
    ),
    "QueueMissing": StatusReason(
        "stalled",
        "the LocalQueue of `spec.runtime.queueName`, or its ClusterQueue, does not exist or is inactive",
        "correct `spec.runtime.queueName`, or create the queue",
    ),
    "SecretMissing": StatusReason("stalled", "a Secret of `spec.storage` does not exist", "create it"),
    "SecretForbidden": StatusReason(
        "stalled", "the operator may not read a Secret of `spec.storage`", "add its name to `secretNames` of the chart"
    ),
    "SecretInvalid": StatusReason("stalled", "a Secret lacks a key or has an invalid value", "correct the Secret"),
    "StorageMissing": StatusReason(
        "stalled",
        "neither the resource nor the installation names a bucket, a database or their Secrets",
        "set `spec.storage` or `defaults` of the chart",
    ),
    "PodsRefused": StatusReason(
        "stalled",
        "an admission policy or a quota rejects the pods of a Job; the message quotes it",
        "correct `spec.runtime`, or change the policy or the quota",
    ),
    "PodsCannotBePlaced": StatusReason(
        "stalled",
        "no node matches the node selector, the tolerations or the volumes of a pod, for five minutes",
        "correct `spec.runtime`, or add a node",
    ),
    "PodsCannotStart": StatusReason(
        "stalled",
        "a container waits for a Secret, a key or an image",
        "correct `spec.runtime.image`, `spec.runtime.imagePullSecrets` or `spec.storage`, or create what is missing",
    ),
    "JobRefused": StatusReason(
        "stalled",
        "the API server rejected a Job, or another object has its name",
        "correct what the message quotes, or delete the other object",
    ),
    "InvalidSpec": StatusReason("stalled", "the specification is invalid", "correct it"),
    "PlanChanged": StatusReason(
        "stalled",
        "a planned field changed after the plan was frozen",
        "undo the change, or create a resource of another name",
    ),
    "PlanConflict": StatusReason(
        "stalled",
        "the store has another plan for this resource",
        "use another name or another `spec.storage.artifacts`",
    ),
    "RecordInvalid": StatusReason(
        "stalled",
        "a record in the store cannot be read, for example because another version wrote it",
        "upgrade ctrlab",
    ),
    "ExperimentInvalid": StatusReason("stalled", "the experiment of an ablation is invalid", "correct the experiment"),
    "ParentFailed": StatusReason(
        "stalled", "the experiment of an ablation has failed", "run the experiment again, or delete the ablation"
    ),
    "ExperimentDeleted": StatusReason(
        "stalled", "the experiment of an ablation was deleted", "create both again, or delete the ablation"
    ),
    "RunsLost": StatusReason(
        "stalled",
        "every phase has ended, and final runs have no result for reasons of their own, such as too little memory; the "
        "report counts the others",
        "correct the cause and request a retry",
    ),
    "PrepareFailed": StatusReason(
        "ended", "the data set cannot be encoded", "correct what the message names and request a retry"
    ),
    "TooManyFailedTrials": StatusReason(
        "ended", "more trials failed than `tuning.maxFailedTrials`", "create another experiment with a corrected model"
    ),
    "TuningTimeout": StatusReason(
        "ended", "a study took longer than `tuning.timeout`", "request a retry, which continues the study"
    ),
    "TuningFailed": StatusReason(
        "ended", "the workers of a study ended without freezing it", "correct the cause and request a retry"
    ),
    "EvaluationFailed": StatusReason(
        "ended", "too few final runs are left to compare", "correct the cause and request a retry"
    ),
    "DecisionFailed": StatusReason(
        "ended", "the number of seeds could not be decided", "correct the cause and request a retry"
    ),
    "ReportFailed": StatusReason(
        "ended", "the report could not be made; every run is kept", "correct the cause and request a retry"
    ),
    "UpToDate": StatusReason("neutral", "every Job has the current specification", "nothing"),
    "Moving": StatusReason("neutral", "nobody needs to act", "nothing"),
    "Running": StatusReason("neutral", "`spec.suspend` is false", "nothing"),
    "NoFailure": StatusReason("neutral", "the resource has not failed", "nothing"),
    "NotYet": StatusReason("neutral", "the milestone is not reached"),
    "Done": StatusReason("neutral", "the milestone is reached", "nothing"),
    "RunsFailed": StatusReason("neutral", "the message names the lost runs and their reasons", "correct the cause"),
    "NoneLost": StatusReason("neutral", "no final run is lost", "nothing"),
    "ReportPublished": StatusReason("neutral", "the report is published", "nothing"),
}
"""Reasons by name."""


def waits(reason: str) -> bool:
    """Return whether the cause of a reason ends without a change of the resource, so that it is not Stalled."""
    return reason in STATUS_REASONS and STATUS_REASONS[reason].effect == "waiting"
