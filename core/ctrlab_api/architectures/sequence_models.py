"""Models of a user's behaviour sequence: DIN, DIEN, DMIN, BST, and SIN, which joins BST with a CIN over the fields."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ctrlab_api.architectures.base_architecture import Activation, Dropout, NonEmptyWidths, WithDNN
from ctrlab_api.architectures.factorization_models import LINEAR


class DIN(WithDNN):
    """Pools the history by attention to the candidate item."""

    name: ClassVar[str] = "din"
    title: ClassVar[str] = "DIN"
    paper: ClassVar[str] = "Zhou et al.: Deep Interest Network (KDD 2018)"
    parts: ClassVar[dict[str, str]] = {
        "attention": "the attention to the candidate; without it the history is averaged",
        "history": "the pooled history; without it the perceptron sees the fields alone",
    }
    needs_history: ClassVar[bool] = True

    attention_units: NonEmptyWidths = (64, 32)
    """Hidden widths of the attention network."""
    attention_activation: Activation = "dice"
    """Between the attention network's layers."""
    attention_softmax: bool = False
    """Whether the weights over the history sum to 1; the paper keeps their intensity."""


class DIEN(WithDNN):
    """A GRU over the history, and a second one whose update is weighed by attention to the candidate."""

    name: ClassVar[str] = "dien"
    title: ClassVar[str] = "DIEN"
    paper: ClassVar[str] = "Zhou et al.: Deep Interest Evolution Network (AAAI 2019), without the auxiliary loss"
    parts: ClassVar[dict[str, str]] = {
        "attention": "the attention to the candidate; without it the second GRU is a plain one",
        "evolution": "the second GRU; without it the last state of the first is used",
    }
    needs_history: ClassVar[bool] = True


class DMIN(WithDNN):
    """Self-attention refines the history, several heads find one interest each, the candidate attends to each."""

    name: ClassVar[str] = "dmin"
    title: ClassVar[str] = "DMIN"
    paper: ClassVar[str] = "Xiao et al.: Deep Multi-Interest Network (CIKM 2020), without the auxiliary loss"
    parts: ClassVar[dict[str, str]] = {
        "refiner": "the first self-attention over the history",
        "position": "the position embedding",
        "interests": "all interests but the first",
    }
    needs_history: ClassVar[bool] = True

    interests: int = Field(default=2, ge=1, le=16)
    """Interests that are extracted, each by a self-attention of its own."""
    heads: int = Field(default=2, ge=1, le=64)
    """Of the refining self-attention; must divide embedding_dim."""
    feedforward_ratio: int = Field(default=2, ge=1, le=16)
    """Width of the feed-forward layer of the refiner as a multiple of embedding_dim."""
    transformer_dropout: Dropout = 0.0
    """After the attention and the feed-forward layer of the refiner."""
    attention_units: NonEmptyWidths = (64, 32)
    """Hidden widths of the attention to the candidate."""
    attention_activation: Activation = "dice"
    """Between the layers of the attention to the candidate."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.embedding_dim % self.heads:
            raise ValueError(f"heads must divide embedding_dim {self.embedding_dim}, not {self.heads}")
        return self


class TransformerParameters(WithDNN):
    """Of the transformer over history and candidate, shared by BST and SIN."""

    transformer_layers: int = Field(default=1, ge=1, le=8)
    """Transformer blocks, one after the other."""
    heads: int = Field(default=2, ge=1, le=64)
    """Must divide the model's width: embedding_dim, times 2 with concatenated positions."""
    feedforward_ratio: int = Field(default=2, ge=1, le=16)
    """Width of the feed-forward layer as a multiple of the transformer's."""
    transformer_dropout: Dropout = 0.0
    """After the attention and the feed-forward layer of each block."""
    sequence_pooling: Literal["target", "mean", "concat"] = "target"
    """What of the transformer's output is used: the candidate's position, the mean over positions, or all of them."""
    position: Literal["add", "concat"] = "add"
    """How the learned position embedding joins the item's."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        width = self.embedding_dim * (2 if self.position == "concat" else 1)
        if width % self.heads:
            raise ValueError(f"heads must divide the transformer's width {width}, not {self.heads}")
        return self


class BST(TransformerParameters):
    """Transformer over the history with the candidate appended, then a perceptron."""

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
    """Sequential Interaction Network: a CIN over the fields and a BST over the history, fused, and a perceptron."""

    name: ClassVar[str] = "sin"
    title: ClassVar[str] = "SIN"
    paper: ClassVar[str] = (
        "CIN of Lian et al. (KDD 2018) and BST of Chen et al. (DLP-KDD 2019), fused over branch vectors"
    )
    parts: ClassVar[dict[str, str]] = {
        "cin": "the compressed interaction network over the fields",
        "bst": "the behaviour-sequence transformer over the history",
        "linear": LINEAR,
        "fields": "the fields' own embeddings in the perceptron; without them it sees the fused branches alone",
        "position": "the position embedding of the sequence",
        "target": "the candidate item inside the sequence",
    }
    branches: ClassVar[tuple[str, ...]] = ("cin", "bst", "linear", "fields")
    history_branches: ClassVar[tuple[str, ...]] = ("bst",)
    needs_history: ClassVar[bool] = True

    cin_units: NonEmptyWidths = (32,)
    """Feature maps of each CIN layer."""
    fusion: Literal["attention", "gate", "concat", "sum"] = "attention"
    """How the branch vectors become one."""
    fusion_dim: int = Field(default=64, ge=1, le=4096)
    """Width to which each branch is projected before fusion."""
