"""AFN, FiBiNET, MaskNet and FinalMLP: weighted, masked, gated or learned products of fields."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ctrlab_api.architectures.base_architecture import NonEmptyWidths, WithDNN
from ctrlab_api.architectures.factorization_models import LINEAR


class AFN(WithDNN):
    """Products of fields with learned exponents, followed by an MLP."""

    name: ClassVar[str] = "afn"
    title: ClassVar[str] = "AFN"
    paper: ClassVar[str] = "Cheng, Shen, Huang: Adaptive Factorization Network (AAAI 2020)"
    parts: ClassVar[dict[str, str]] = {"normalisation": "batch normalization of the logarithms and of the products"}

    logarithmic_neurons: int = Field(default=64, ge=1, le=65536)
    """Number of products; each has one exponent per field."""


class AFNPlus(AFN):
    """AFN in parallel with an MLP over separate embeddings."""

    name: ClassVar[str] = "afn_plus"
    title: ClassVar[str] = "AFN+"
    parts: ClassVar[dict[str, str]] = {
        "afn": "the products with learned exponents and the MLP over them",
        "normalisation": "batch normalization of the logarithms and of the products",
        "dnn": "the MLP over separate embeddings",
    }
    branches: ClassVar[tuple[str, ...]] = ("afn", "dnn")


class FiBiNET(WithDNN):
    """Bilinear products of embeddings, plain and weighted by a squeeze-and-excitation network, followed by an MLP."""

    name: ClassVar[str] = "fibinet"
    title: ClassVar[str] = "FiBiNET"
    paper: ClassVar[str] = "Huang, Zhang, Zhang: FiBiNET (RecSys 2019)"
    parts: ClassVar[dict[str, str]] = {
        "linear": LINEAR,
        "senet": "the products of embeddings weighted by the squeeze-and-excitation network",
        "bilinear": "the matrices of the products; without them the products are element-wise",
    }

    bilinear: Literal["all", "each", "interaction"] = "interaction"
    """Number of matrices: one (all), one per left field (each), or one per pair of fields (interaction)."""
    reduction_ratio: int = Field(default=3, ge=1, le=64)
    """Reduction ratio of the squeeze-and-excitation network, which has at least one hidden unit."""


class MaskNet(WithDNN):
    """Blocks whose input is multiplied by a mask computed from the row, followed by an MLP."""

    name: ClassVar[str] = "masknet"
    title: ClassVar[str] = "MaskNet"
    paper: ClassVar[str] = "Wang, She, Zhang: MaskNet (DLP-KDD 2021)"
    parts: ClassVar[dict[str, str]] = {"mask": "the instance-guided masks; without them blocks are normalized layers"}

    structure: Literal["parallel", "serial"] = "parallel"
    """parallel: every block has the embeddings as input. serial: each block has the previous one as input."""
    blocks: int = Field(default=3, ge=1, le=16)
    """Number of mask blocks."""
    block_width: int = Field(default=64, ge=1, le=4096)
    """Width of each block's output."""
    mask_ratio: float = Field(default=1.0, gt=0, le=16)
    """Width of a mask's hidden layer as a multiple of the width of the embeddings."""


class FinalMLP(WithDNN):
    """Two MLPs (streams) over gated embeddings, fused by a bilinear product of their outputs."""

    name: ClassVar[str] = "finalmlp"
    title: ClassVar[str] = "FinalMLP"
    paper: ClassVar[str] = "Mao et al.: FinalMLP (AAAI 2023)"
    parts: ClassVar[dict[str, str]] = {
        "gating": "the gates that weight the embeddings for each stream",
        "bilinear": "the bilinear term of the fusion; without it the logits of the streams are added",
    }

    second_hidden_units: NonEmptyWidths = (64,)
    """Widths of the hidden layers of the second stream; hidden_units are those of the first."""
    gate_units: NonEmptyWidths = (64,)
    """Hidden widths of the networks that compute the gates from a learned context."""
    heads: int = Field(default=1, ge=1, le=64)
    """Heads of the bilinear term, into which both outputs are split; must divide the last width of each stream."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        for width in (self.hidden_units[-1], self.second_hidden_units[-1]):
            if width % self.heads:
                raise ValueError(f"heads must divide the last width of each stream, {width}, not {self.heads}")
        return self
