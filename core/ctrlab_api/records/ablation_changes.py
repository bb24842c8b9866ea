"""Fields that an ablation adds to a run record: the difference between variant and full model, and the reused run."""

from typing import Any

from ctrlab_api.schema_types import ApiModel


class ChangedValue(ApiModel):
    """One changed value of the configuration; None where one of the two does not have it."""

    full: Any = None
    variant: Any = None


class VariantChange(ApiModel):
    """The difference between a variant and the full model; the run computes it from both configurations."""

    full_model: str
    removed_parts: tuple[str, ...] = ()
    dropped_features: tuple[str, ...] = ()
    added_features: tuple[str, ...] = ()
    config: dict[str, ChangedValue]
    """Parameters whose resolved values differ."""
    parameters_full: int
    """Number of trainable parameters of the full model."""
    parameters_variant: int
    """Number of trainable parameters of the variant."""
    gone: tuple[str, ...]
    """Names of parameter tensors that only the full model has."""
    added: tuple[str, ...]
    """Names of parameter tensors that only the variant has, such as those of another fusion."""
    reshaped: tuple[str, ...]
    """Names of parameter tensors whose shapes differ."""


class ReusedRun(ApiModel):
    """The run that this record was copied from, without training again."""

    experiment: str
    """namespace/name/uid: the parent experiment of an ablation, or the experiment whose analysis was changed."""
    attempt: int
    plan_digest: str
    search_digest: str
    record_sha256: str
