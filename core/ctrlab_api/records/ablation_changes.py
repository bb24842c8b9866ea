"""What an ablation adds to the records: how a variant differs from the full model, and which run was taken over."""

from typing import Any

from ctrlab_api.schema_types import ApiModel


class ChangedValue(ApiModel):
    """One value of the configuration; None where the other side does not have it."""

    full: Any = None
    variant: Any = None


class VariantChange(ApiModel):
    """A variant against the full model, made by the run itself from both configurations."""

    full_model: str
    removed_parts: tuple[str, ...] = ()
    dropped_features: tuple[str, ...] = ()
    added_features: tuple[str, ...] = ()
    config: dict[str, ChangedValue]
    """Parameters whose resolved values differ."""
    parameters_full: int
    """Trainable numbers of the full model."""
    parameters_variant: int
    gone: tuple[str, ...]
    """Parameter tensors of the full model that the variant does not have, by name."""
    added: tuple[str, ...]
    """Parameter tensors that only the variant has, such as those of another fusion."""
    reshaped: tuple[str, ...]
    """Parameter tensors with another shape."""


class ReusedRun(ApiModel):
    """The parent's run that this record was made from; nothing was trained again."""

    experiment: str
    """namespace/name/uid."""
    attempt: int
    plan_digest: str
    search_digest: str
    record_sha256: str
