"""AutoInt and AutoInt+: self-attention over the fields of a row."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from ctrlab_api.architectures.base_architecture import Architecture, Dropout, WithDNN
from ctrlab_api.architectures.factorization_models import DNN

PAPER = "Song et al.: AutoInt (CIKM 2019)"
ATTENTION = "the self-attention over fields"
RESIDUAL = "the projection of each field that is added to what it attends to"


class FieldAttentionParameters(Architecture):
    """Of the self-attention over fields."""

    attention_layers: int = Field(default=2, ge=1, le=16)
    """Layers of self-attention; each doubles the degree of the interactions at most."""
    attention_dim: int = Field(default=32, ge=1, le=4096)
    """Width of a field after each layer, all heads together."""
    heads: int = Field(default=2, ge=1, le=64)
    """Must divide attention_dim."""
    attention_dropout: Dropout = 0.0
    """Of the attention's weights."""
    attention_layer_norm: bool = False
    """Whether each layer's output is normalised before its activation; the paper does not."""
    attention_scale: bool = False
    """Whether scores are divided by the square root of a head's width; the paper does not."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.attention_dim % self.heads:
            raise ValueError(f"heads must divide attention_dim {self.attention_dim}, not {self.heads}")
        return self


class AutoInt(FieldAttentionParameters):
    """Self-attention over the fields alone."""

    name: ClassVar[str] = "autoint"
    title: ClassVar[str] = "AutoInt"
    paper: ClassVar[str] = PAPER
    parts: ClassVar[dict[str, str]] = {"residual": RESIDUAL}


class AutoIntPlus(FieldAttentionParameters, WithDNN):
    """Self-attention over the fields beside a perceptron."""

    name: ClassVar[str] = "autoint_plus"
    title: ClassVar[str] = "AutoInt+"
    paper: ClassVar[str] = PAPER
    parts: ClassVar[dict[str, str]] = {"attention": ATTENTION, "residual": RESIDUAL, "dnn": DNN}
    branches: ClassVar[tuple[str, ...]] = ("attention", "dnn")
