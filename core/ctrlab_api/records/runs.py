"""`runs/<variant>/<seed>/<attempt>/record.json`: one final run, with everything needed to repeat it."""

from typing import Any, Literal

from ctrlab_api.experiment_key import ExperimentKey
from ctrlab_api.records.ablation_changes import ReusedRun, VariantChange
from ctrlab_api.records.studies import ParameterValue
from ctrlab_api.resources.tuning import ExecutionMode
from ctrlab_api.schema_types import ApiModel

StepKind = Literal["eager", "cuda-graph"]
"""Execution of training steps: operation by operation, or as one recorded CUDA graph."""

RowPermutation = Literal["rows", "blocks"]
"""Permutation of the training rows: among all rows, or in blocks that are read together. Block sizes are constants, so
that data and seed determine the order."""


class CodeRecord(ApiModel):
    """The code that ran."""

    package: str
    version: str
    git_commit: str | None = None
    git_dirty: bool | None = None
    image: str | None = None
    """Reference of the container image, if the environment names it."""


class EnvironmentRecord(ApiModel):
    """The software environment of a run."""

    python: str
    platform: str
    packages: dict[str, str]
    """Version of every installed distribution, by name."""
    threads: int
    blas: str | None = None
    variables: dict[str, str]
    """Environment variables that affect results, from a fixed list; never the whole environment."""


class HardwareRecord(ApiModel):
    """The machine of a run."""

    cpu: str
    cores: int
    memory_bytes: int
    gpu: str | None = None
    cuda: str | None = None
    node: str | None = None
    """Name of the Kubernetes node; absent on one machine."""


class RandomnessRecord(ApiModel):
    """The random seeds of a run, and whether it was deterministic."""

    root: int
    """The seed that all others are derived from."""
    purposes: dict[str, int]
    """Derived seed of each purpose: init, order, dropout, negatives."""
    deterministic_requested: bool
    deterministic_achieved: bool
    nondeterministic_operations: tuple[str, ...] = ()


class EpochRecord(ApiModel):
    """Results of one training epoch."""

    epoch: int
    train_loss: float | None = None
    """Mean loss over the epoch's rows, without penalties; None where it was not finite."""
    valid: dict[str, float | None]
    """Validation metrics after the epoch."""
    learning_rate: float
    seconds: float


class ProcessRecord(ApiModel):
    """Resource usage of a run; in a batch of seeds, its share of the training, plus its own evaluation on test."""

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
    """One opening of the sealed test rows, logged before the file is read."""

    __test__ = False
    at: str
    by: str
    """Host and process."""
    plan_digest: str
    token: str
    attempt: int
    reason: str
    """`first`, or the reason of a recorded rerun."""


class Anomaly(ApiModel):
    """An anomaly of a run that readers must know about; it never removes a result.

    terminated, out-of-memory, unavailable, failed and lost describe an earlier start that left no record; the run
    was then started again with the same seed.
    """

    kind: Literal[
        "non-finite-loss",
        "auc-at-or-below-half",
        "best-epoch-is-the-first",
        "constant-predictions",
        "terminated",
        "out-of-memory",
        "unavailable",
        "failed",
        "lost",
        "retried",
        "not-deterministic",
    ]
    detail: str


class RetrainingRecord(ApiModel):
    """A second training with the same seed, made because the first showed an anomaly; it does not open test rows."""

    reasons: tuple[str, ...]
    """Kinds of the anomalies that caused the second training."""
    recorded: str
    """Digest of the results of the recorded training: model, curves, divergence."""
    repeated: str
    """The same digest of the second training; equal if the anomaly is a property of the seed."""
    divergence: str | None = None
    """The value that was not finite in the second training."""
    metrics_valid: dict[str, float | None]
    """Validation metrics of the second training at its best epoch."""
    constant_predictions: bool
    """Whether the second training predicts the same score for every validation row."""
    seconds: float


class RunRecord(ApiModel):
    """One attempt of a final run."""

    schema_version: Literal[1] = 1
    experiment: str
    """namespace/name/uid of the experiment."""
    variant: str
    architecture: str
    seed: int
    attempt: int
    role: Literal["final", "ablation"] = "final"
    state: Literal["Succeeded", "Diverged"]
    """Diverged: the loss was not finite or the predictions are useless; such a run still counts as a result."""
    plan_digest: str
    config_digest: str
    """Digest of `config`."""
    dataset_digest: str
    search_digest: str
    """Digest of this variant's frozen study."""
    config: dict[str, Any]
    """Value of every parameter: fixed, tuned or default."""
    tuned: dict[str, ParameterValue]
    removed_parts: tuple[str, ...] = ()
    dropped_features: tuple[str, ...] = ()
    change: VariantChange | None = None
    """For a variant of an ablation: the difference from the full model."""
    reused_from: ReusedRun | None = None
    """For the full model of an ablation, and for a changed analysis: the run that this record copies."""
    parameters: int
    """Number of trainable parameters."""
    execution_mode: ExecutionMode = "plain"
    batched_with: tuple[int, ...] | None = None
    """For a batched run: the seeds of its batch in order, including its own; a repetition needs all of them."""
    steps: StepKind = "eager"
    row_order: RowPermutation = "rows"
    row_wise_tables: tuple[str, ...] = ()
    """Embedding tables of which a step updated only the rows of its batch."""
    device: str
    precision: str
    """Precision of matrix products in training."""
    metrics_valid: dict[str, float | None]
    """Validation metrics at the best epoch."""
    metrics_test: dict[str, float | None]
    """Test metrics; None where a metric is undefined for these predictions."""
    metric_definitions: dict[str, str]
    metric_details: dict[str, float]
    """Numbers needed to interpret the metrics, such as the share of users that gauc skips."""
    best_epoch: int | None = None
    """Number of the best epoch, from 1."""
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
    """Absent where no anomaly caused a second training."""
    reproduce: str
    """The command that repeats this run, see `verify_command`."""
    tolerance: str
    """Agreement to expect from a repetition."""


def verify_command(store: str, key: ExperimentKey, variant: str, seed: int) -> str:
    """Return the command that trains a final run again and compares it with its record; `store` is the root's URI."""
    return f"ctrlab-trainer verify --store {store} --experiment {key} --variant {variant} --seed {seed}"
