"""LR, FM and the models that combine a factorization machine or a cross network with an MLP."""

from typing import ClassVar

from pydantic import Field

from ctrlab_api.architectures.base_architecture import Architecture, NonEmptyWidths, WithDNN

LINEAR = "the first-order term: one weight for each value, and a bias"
DNN = "the MLP over the concatenated embeddings"


class LR(Architecture):
    """Logistic regression."""

    name: ClassVar[str] = "lr"
    title: ClassVar[str] = "LR"
    paper: ClassVar[str] = "Richardson, Dominowska, Ragno: Predicting Clicks (WWW 2007)"

    embedding_l2: float = Field(default=1e-5, ge=0, le=10)
    """lambda of the penalty lambda/2 * ||w||^2 over the weights; lower than for embeddings, which share statistical
    strength."""


class FM(Architecture):
    """Factorization machine of degree 2."""

    name: ClassVar[str] = "fm"
    title: ClassVar[str] = "FM"
    paper: ClassVar[str] = "Rendle: Factorization Machines (ICDM 2010)"
    parts: ClassVar[dict[str, str]] = {"linear": LINEAR, "fm": "the pairwise products of embeddings"}
    branches: ClassVar[tuple[str, ...]] = ("linear", "fm")

    embedding_l2: float = Field(default=1e-5, ge=0, le=10)
    """lambda of the penalty lambda/2 * ||E||^2 over the embedding table and the weights of the linear term."""


class DNNOnly(WithDNN):
    """An MLP over the concatenated embeddings."""

    name: ClassVar[str] = "dnn"
    title: ClassVar[str] = "DNN"
    paper: ClassVar[str] = "Covington, Adams, Sargin: Deep Neural Networks for YouTube Recommendations (RecSys 2016)"


class WideDeep(WithDNN):
    """The sum of a linear term and an MLP."""

    name: ClassVar[str] = "widedeep"
    title: ClassVar[str] = "Wide&Deep"
    paper: ClassVar[str] = "Cheng et al.: Wide & Deep Learning for Recommender Systems (DLRS 2016)"
    parts: ClassVar[dict[str, str]] = {"linear": LINEAR, "dnn": DNN}
    branches: ClassVar[tuple[str, ...]] = ("linear", "dnn")


class DeepFM(WithDNN):
    """The sum of an FM and an MLP over the same embeddings."""

    name: ClassVar[str] = "deepfm"
    title: ClassVar[str] = "DeepFM"
    paper: ClassVar[str] = "Guo et al.: DeepFM (IJCAI 2017)"
    parts: ClassVar[dict[str, str]] = {"linear": LINEAR, "fm": "the pairwise products of embeddings", "dnn": DNN}
    branches: ClassVar[tuple[str, ...]] = ("linear", "fm", "dnn")


class XDeepFM(WithDNN):
    """The sum of a compressed interaction network (CIN), an MLP and a linear term."""

    name: ClassVar[str] = "xdeepfm"
    title: ClassVar[str] = "xDeepFM"
    paper: ClassVar[str] = "Lian et al.: xDeepFM (KDD 2018)"
    parts: ClassVar[dict[str, str]] = {"linear": LINEAR, "cin": "the compressed interaction network", "dnn": DNN}
    branches: ClassVar[tuple[str, ...]] = ("linear", "cin", "dnn")

    cin_units: NonEmptyWidths = (64,)
    """Number of feature maps of each CIN layer."""


class DCN(WithDNN):
    """A rank-one cross network in parallel with an MLP."""

    name: ClassVar[str] = "dcn"
    title: ClassVar[str] = "DCN"
    paper: ClassVar[str] = "Wang et al.: Deep & Cross Network (ADKDD 2017)"
    parts: ClassVar[dict[str, str]] = {"cross": "the cross network", "dnn": DNN}
    branches: ClassVar[tuple[str, ...]] = ("cross", "dnn")

    cross_layers: int = Field(default=3, ge=1, le=16)
    """Number of cross layers; each raises the degree of the interactions by one."""


class DCNv2(WithDNN):
    """A full-rank cross network in parallel with an MLP."""

    name: ClassVar[str] = "dcnv2"
    title: ClassVar[str] = "DCNv2"
    paper: ClassVar[str] = "Wang et al.: DCN V2 (WWW 2021)"
    parts: ClassVar[dict[str, str]] = {"cross": "the cross network", "dnn": DNN}
    branches: ClassVar[tuple[str, ...]] = ("cross", "dnn")

    cross_layers: int = Field(default=3, ge=1, le=16)
    """Number of cross layers; each raises the degree of the interactions by one."""


class GDCN(WithDNN):
    """A gated cross network in parallel with an MLP."""

    name: ClassVar[str] = "gdcn"
    title: ClassVar[str] = "GDCN"
    paper: ClassVar[str] = "Wang et al.: Towards Deeper, Lighter and Interpretable Cross Network (CIKM 2023)"
    parts: ClassVar[dict[str, str]] = {
        "cross": "the gated cross network",
        "gate": "the gate of each cross layer; without it the network is that of DCNv2",
        "dnn": DNN,
    }
    branches: ClassVar[tuple[str, ...]] = ("cross", "dnn")

    cross_layers: int = Field(default=3, ge=1, le=16)
    """Number of cross layers; each raises the degree of the interactions by one."""
