"""Models of a user's behavior sequence: DIN, DIEN, DMIN, BST, and SIN, which combines BST with a CIN over the
fields."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ctrlab_api.architectures.base_architecture import Activation, Dropout, NonEmptyWidths, WithDNN
from ctrlab_api.architectures.factorization_models import LINEAR


class DIN(WithDNN):
    """Attention pooling of the history by the candidate item."""

    name: ClassVar[str] = "din"
    title: ClassVar[str] = "DIN"
    paper: ClassVar[str] = "Zhou et al.: Deep Interest Network (KDD 2018)"
    parts: ClassVar[dict[str, str]] = {
        "attention": "the attention to the candidate; without it the history is averaged",
        "history": "the pooled history; without it the fields are the only input of the MLP",
    }
    needs_history: ClassVar[bool] = True

    attention_units: NonEmptyWidths = (64, 32)
    """Hidden widths of the attention network."""
    attention_activation: Activation = "dice"
    """Activation of the attention network."""
    attention_softmax: bool = False
    """Whether a softmax normalizes the weights over the history; the paper keeps their intensity."""


class DIEN(WithDNN):
    """A GRU over the history, and a second one whose update gate is weighted by attention to the candidate."""

    name: ClassVar[str] = "dien"
    title: ClassVar[str] = "DIEN"
    paper: ClassVar[str] = "Zhou et al.: Deep Interest Evolution Network (AAAI 2019), without the auxiliary loss"
    parts: ClassVar[dict[str, str]] = {
        "attention": "the attention to the candidate; without it the second GRU is a plain GRU",
        "evolution": "the second GRU; without it the last state of the first is used",
    }
    needs_history: ClassVar[bool] = True


class DMIN(WithDNN):
    """Self-attention refines the history, several heads extract one interest each, and the candidate attends to
    each."""

    name: ClassVar[str] = "dmin"
    title: ClassVar[str] = "DMIN"
    paper: ClassVar[str] = "Xiao et al.: Deep Multi-Interest Network (CIKM 2020), without the auxiliary loss"
    parts: ClassVar[dict[str, str]] = {
        "refiner": "the first self-attention over the history",
        "position": "the position embedding",
        "interests": "all interests except the first",
    }
    needs_history: ClassVar[bool] = True

    interests: int = Field(default=2, ge=1, le=16)
    """Number of interests, each extracted by a separate self-attention."""
    heads: int = Field(default=2, ge=1, le=64)
    """Heads of the refining self-attention; must divide embedding_dim."""
    feedforward_ratio: int = Field(default=2, ge=1, le=16)
    """Width of the feed-forward layer of the refiner as a multiple of embedding_dim."""
    transformer_dropout: Dropout = 0.0
    """Dropout after the attention and the feed-forward layer of the refiner."""
    attention_units: NonEmptyWidths = (64, 32)
    """Hidden widths of the attention to the candidate."""
    attention_activation: Activation = "dice"
    """Activation of the attention to the candidate."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.embedding_dim % self.heads:
            raise ValueError(f"heads must divide embedding_dim {self.embedding_dim}, not {self.heads}")
        return self


class TransformerParameters(WithDNN):
    """The parameters of the transformer over history and candidate, shared by BST and SIN."""

    transformer_layers: int = Field(default=1, ge=1, le=8)
    """Number of transformer blocks."""
    heads: int = Field(default=2, ge=1, le=64)
    """Attention heads; must divide the width of the transformer: embedding_dim, times 2 with concatenated positions."""
    feedforward_ratio: int = Field(default=2, ge=1, le=16)
    """Width of the feed-forward layer as a multiple of the transformer's width."""
    transformer_dropout: Dropout = 0.0
    """Dropout after the attention and the feed-forward layer of each block."""
    sequence_pooling: Literal["target", "mean", "concat"] = "target"
    """Output of the transformer that is used: target is the candidate's position, mean the mean over all positions, and
    concat all positions."""
    position: Literal["add", "concat"] = "add"
    """Whether the learned position embedding is added to the item embedding or concatenated."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        width = self.embedding_dim * (2 if self.position == "concat" else 1)
        if width % self.heads:
            raise ValueError(f"heads must divide the transformer's width {width}, not {self.heads}")
        return self


class BST(TransformerParameters):
    """A transformer over the history with the candidate appended, followed by an MLP."""

    name: ClassVar[str] = "bst"
    title: ClassVar[str] = "BST"
    paper: ClassVar[str] = "Chen et al.: Behavior Sequence Transformer (DLP-KDD 2019)"
    parts: ClassVar[dict[str, str]] = {
        "transformer": "the transformer blocks; without them the history is averaged",
        "position": "the position embedding",
        "target": "the candidate item inside the sequence",
    }
    needs_history: ClassVar[bool] = True


class SIN(TransformerParameters):
    """Sequential Interaction Network: a CIN over the fields and a BST over the history, fused, followed by an MLP."""

    name: ClassVar[str] = "sin"
    title: ClassVar[str] = "SIN"
    paper: ClassVar[str] = (
        "CIN of Lian et al. (KDD 2018) and BST of Chen et al. (DLP-KDD 2019), fused over branch vectors"
    )
    parts: ClassVar[dict[str, str]] = {
        "cin": "the compressed interaction network over the fields",
        "bst": "the behavior-sequence transformer over the history",
        "linear": LINEAR,
        "fields": "the embeddings of the fields in the MLP; without them the fused branches are its only input",
        "position": "the position embedding of the sequence",
        "target": "the candidate item inside the sequence",
    }
    branches: ClassVar[tuple[str, ...]] = ("cin", "bst", "linear", "fields")
    history_branches: ClassVar[tuple[str, ...]] = ("bst",)
    needs_history: ClassVar[bool] = True

    cin_units: NonEmptyWidths = (32,)
    """Number of feature maps of each CIN layer."""
    fusion: Literal["attention", "gate", "concat", "sum"] = "attention"
    """Method of fusing the branch vectors."""
    fusion_dim: int = Field(default=64, ge=1, le=4096)
    """Width to which each branch is projected before fusion."""
