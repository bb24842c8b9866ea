"""AFN, FiBiNET, MaskNet and FinalMLP: products of fields that are weighted, masked, gated or learned."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ctrlab_api.architectures.base_architecture import NonEmptyWidths, WithDNN
from ctrlab_api.architectures.factorization_models import LINEAR


class AFN(WithDNN):
    """Products of fields with learned exponents, then a perceptron."""

    name: ClassVar[str] = "afn"
    title: ClassVar[str] = "AFN"
    paper: ClassVar[str] = "Cheng, Shen, Huang: Adaptive Factorization Network (AAAI 2020)"
    parts: ClassVar[dict[str, str]] = {"normalisation": "batch normalisation of the logarithms and of the products"}

    logarithmic_neurons: int = Field(default=64, ge=1, le=65536)
    """Products that are formed; each has one exponent for each field."""


class AFNPlus(AFN):
    """AFN beside a perceptron over embeddings of its own."""

    name: ClassVar[str] = "afn_plus"
    title: ClassVar[str] = "AFN+"
    parts: ClassVar[dict[str, str]] = {
        "afn": "the products with learned exponents and the perceptron over them",
        "normalisation": "batch normalisation of the logarithms and of the products",
        "dnn": "the perceptron over embeddings of its own",
    }
    branches: ClassVar[tuple[str, ...]] = ("afn", "dnn")


class FiBiNET(WithDNN):
    """Bilinear products of embeddings, plain and weighted by a squeeze-and-excitation network, then a perceptron."""

    name: ClassVar[str] = "fibinet"
    title: ClassVar[str] = "FiBiNET"
    paper: ClassVar[str] = "Huang, Zhang, Zhang: FiBiNET (RecSys 2019)"
    parts: ClassVar[dict[str, str]] = {
        "linear": LINEAR,
        "senet": "the products of embeddings that are weighted by field",
        "bilinear": "the matrices of the products; without them they are element-wise",
    }

    bilinear: Literal["all", "each", "interaction"] = "interaction"
    """How many matrices there are: one, one for each left field, or one for each pair of fields."""
    reduction_ratio: int = Field(default=3, ge=1, le=64)
    """By how much the squeeze-and-excitation network narrows the fields, to one at least."""


class MaskNet(WithDNN):
    """Blocks whose input is multiplied by a mask computed from the row, then a perceptron."""

    name: ClassVar[str] = "masknet"
    title: ClassVar[str] = "MaskNet"
    paper: ClassVar[str] = "Wang, She, Zhang: MaskNet (DLP-KDD 2021)"
    parts: ClassVar[dict[str, str]] = {"mask": "the instance-guided masks; without them blocks are normalised layers"}

    structure: Literal["parallel", "serial"] = "parallel"
    """Parallel blocks all see the embeddings; of serial ones each sees the block before."""
    blocks: int = Field(default=3, ge=1, le=16)
    """Mask blocks."""
    block_width: int = Field(default=64, ge=1, le=4096)
    """Width of each block's output."""
    mask_ratio: float = Field(default=1.0, gt=0, le=16)
    """Width of a mask's hidden layer as a multiple of the embeddings'."""


class FinalMLP(WithDNN):
    """Two perceptrons over gated embeddings, joined by a bilinear product of their outputs."""

    name: ClassVar[str] = "finalmlp"
    title: ClassVar[str] = "FinalMLP"
    paper: ClassVar[str] = "Mao et al.: FinalMLP (AAAI 2023)"
    parts: ClassVar[dict[str, str]] = {
        "gating": "the gates that weigh the embeddings for each stream",
        "bilinear": "the bilinear term of the fusion; without it the streams' logits are added",
    }

    second_hidden_units: NonEmptyWidths = (64,)
    """Widths of the second stream; hidden_units are those of the first."""
    gate_units: NonEmptyWidths = (64,)
    """Hidden widths of the networks that compute the gates from a learned context."""
    heads: int = Field(default=1, ge=1, le=64)
    """Parts into which both outputs are cut for the bilinear term; must divide the last width of each stream."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        for width in (self.hidden_units[-1], self.second_hidden_units[-1]):
            if width % self.heads:
                raise ValueError(f"heads must divide the last width of each stream, {width}, not {self.heads}")
        return self
