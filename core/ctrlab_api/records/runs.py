"""`runs/<variant>/<seed>/<attempt>/record.json`: one final run, with what anyone needs to repeat it."""

from typing import Any, Literal

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.records.ablation_changes import ReusedRun, VariantChange
from ctrlab_api.records.studies import ParameterValue
from ctrlab_api.resources.tuning import ExecutionMode
from ctrlab_api.schema_types import ApiModel

StepKind = Literal["eager", "cuda-graph"]
"""How training steps are started: operation by operation, or as one recorded graph of all of them."""

RowPermutation = Literal["rows", "blocks"]
"""How training rows were permuted: each among all others, or in blocks that are read together.
The sizes of blocks are constants, so that the order follows from data and seed."""


class CodeRecord(ApiModel):
    """Which code ran."""

    package: str
    version: str
    git_commit: str | None = None
    git_dirty: bool | None = None
    image: str | None = None
    """Image reference, where the pod's environment names it."""


class EnvironmentRecord(ApiModel):
    """In which environment."""

    python: str
    platform: str
    packages: dict[str, str]
    """Every installed distribution."""
    threads: int
    blas: str | None = None
    variables: dict[str, str]
    """A fixed list of variables that change results; never the whole environment."""


class HardwareRecord(ApiModel):
    """On which machine."""

    cpu: str
    cores: int
    memory_bytes: int
    gpu: str | None = None
    cuda: str | None = None
    node: str | None = None


class RandomnessRecord(ApiModel):
    """Where chance came from, and how far it was controlled."""

    root: int
    purposes: dict[str, int]
    """Derived seed of each purpose: init, order, dropout, negatives."""
    deterministic_requested: bool
    deterministic_achieved: bool
    nondeterministic_operations: tuple[str, ...] = ()


class EpochRecord(ApiModel):
    """One epoch of training."""

    epoch: int
    train_loss: float | None = None
    """Mean over the epoch's rows, without penalties; None where it was not finite."""
    valid: dict[str, float | None]
    """Validation metrics after the epoch."""
    learning_rate: float
    seconds: float


class ProcessRecord(ApiModel):
    """What it cost; of a batched run its share of the batch's training, and its own test."""

    started: str
    """RFC 3339, UTC."""
    ended: str
    wall_seconds: float
    cpu_seconds: float
    gpu_seconds: float = 0.0
    peak_memory_bytes: int
    peak_gpu_memory_bytes: int | None = None
    worker: str


class TestOpening(ApiModel):
    """One opening of the sealed test set, logged before the file is read."""

    __test__ = False
    at: str
    by: str
    """Host and process."""
    plan_digest: str
    token: str
    attempt: int
    reason: str
    """first, or why this is a recorded rerun."""


class Anomaly(ApiModel):
    """Something about a run that a reader must know; it never removes a result.

    terminated, out-of-memory, failed and lost tell of an earlier start that left no record; the run was then made again
    with the same seed.
    """

    kind: Literal[
        "non-finite-loss",
        "auc-at-or-below-half",
        "best-epoch-is-the-first",
        "constant-predictions",
        "terminated",
        "out-of-memory",
        "failed",
        "lost",
        "retried",
        "not-deterministic",
    ]
    detail: str


class RetrainingRecord(ApiModel):
    """A second training with the same seed, made at once because the first showed an anomaly; it opens no test set."""

    reasons: tuple[str, ...]
    """Kinds of the anomalies that asked for it."""
    recorded: str
    """Digest of what the recorded training left: model, curves, divergence."""
    repeated: str
    """The same of the repetition; equal where the anomaly belongs to the seed."""
    divergence: str | None = None
    """What was not finite in the repetition."""
    metrics_valid: dict[str, float | None]
    """Of the repetition, at its best epoch."""
    constant_predictions: bool
    """Whether the repetition gives every validation row the same score."""
    seconds: float


class RunRecord(ApiModel):
    """Everything about one attempt at one (variant, seed)."""

    schema_version: Literal[1] = 1
    experiment: str
    """namespace/name/uid."""
    variant: str
    architecture: str
    seed: int
    attempt: int
    role: Literal["final", "ablation"] = "final"
    state: Literal["Succeeded", "Diverged"]
    """Diverged: the loss was not finite or the predictions are useless; it stays a result."""
    plan_digest: str
    config_digest: str
    """Of the resolved configuration below."""
    dataset_digest: str
    search_digest: str
    """Of this variant's frozen search."""
    config: dict[str, Any]
    """Every parameter with its value, fixed, tuned or default."""
    tuned: dict[str, ParameterValue]
    removed_parts: tuple[str, ...] = ()
    dropped_features: tuple[str, ...] = ()
    change: VariantChange | None = None
    """Of an ablation's variant: what differs from the full model."""
    reused_from: ReusedRun | None = None
    """Of an ablation's full model: the run of the experiment that this is."""
    parameters: int
    """Trainable numbers in the model."""
    execution_mode: ExecutionMode = "plain"
    batched_with: tuple[int, ...] | None = None
    """Of a batched run: the seeds of its batch in their order, its own among them; a repetition needs all of them."""
    steps: StepKind = "eager"
    row_order: RowPermutation = "rows"
    row_wise_tables: tuple[str, ...] = ()
    """Tables of which a step changed only the rows of its batch."""
    device: str
    precision: str
    """Of matrix products while training."""
    metrics_valid: dict[str, float | None]
    """At the best epoch."""
    metrics_test: dict[str, float | None]
    """None where a metric is undefined for these predictions."""
    metric_definitions: dict[str, str]
    metric_details: dict[str, float]
    """Such as the share of users that gauc had to skip."""
    best_epoch: int | None = None
    """Counted from 1."""
    curve: tuple[EpochRecord, ...]
    predictions_sha256: str | None = None
    model_sha256: str | None = None
    openings: tuple[TestOpening, ...]
    code: CodeRecord
    environment: EnvironmentRecord
    hardware: HardwareRecord
    randomness: RandomnessRecord
    process: ProcessRecord
    anomalies: tuple[Anomaly, ...] = ()
    repetition: RetrainingRecord | None = None
    """Absent where no anomaly asked for one."""
    reproduce: str
    """The command that repeats this run, see `verify_command`."""
    tolerance: str
    """What equality to expect of the repetition."""


def verify_command(store: str, key: ExperimentKey, variant: str, seed: int) -> str:
    """Return the command that trains a final run again and compares it with its record; `store` is the root's URI."""
    return f"ctrlab-trainer verify --store {store} --experiment {key} --variant {variant} --seed {seed}"
