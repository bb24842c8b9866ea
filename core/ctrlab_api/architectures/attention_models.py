"""AutoInt and AutoInt+: self-attention over the fields of a row."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from ctrlab_api.architectures.base_architecture import Architecture, Dropout, WithDNN
from ctrlab_api.architectures.factorization_models import DNN

PAPER = "Song et al.: AutoInt (CIKM 2019)"
ATTENTION = "the self-attention over fields"
RESIDUAL = "the residual connection: the projection of each field, added to its attention output"


class FieldAttentionParameters(Architecture):
    """The parameters of self-attention over fields."""

    attention_layers: int = Field(default=2, ge=1, le=16)
    """Number of self-attention layers; each at most doubles the degree of the interactions."""
    attention_dim: int = Field(default=32, ge=1, le=4096)
    """Width of a field after each layer, all heads together."""
    heads: int = Field(default=2, ge=1, le=64)
    """Attention heads; must divide attention_dim."""
    attention_dropout: Dropout = 0.0
    """Dropout of the attention weights."""
    attention_layer_norm: bool = False
    """Whether the output of each layer is layer-normalized before its activation; not so in the paper."""
    attention_scale: bool = False
    """Whether scores are divided by the square root of a head's width; not so in the paper."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.attention_dim % self.heads:
            raise ValueError(f"heads must divide attention_dim {self.attention_dim}, not {self.heads}")
        return self


class AutoInt(FieldAttentionParameters):
    """Self-attention over the fields."""

    name: ClassVar[str] = "autoint"
    title: ClassVar[str] = "AutoInt"
    paper: ClassVar[str] = PAPER
    parts: ClassVar[dict[str, str]] = {"residual": RESIDUAL}


class AutoIntPlus(FieldAttentionParameters, WithDNN):
    """Self-attention over the fields in parallel with an MLP."""

    name: ClassVar[str] = "autoint_plus"
    title: ClassVar[str] = "AutoInt+"
    paper: ClassVar[str] = PAPER
    parts: ClassVar[dict[str, str]] = {"attention": ATTENTION, "residual": RESIDUAL, "dnn": DNN}
    branches: ClassVar[tuple[str, ...]] = ("attention", "dnn")
