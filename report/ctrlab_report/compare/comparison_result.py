"""The result of a comparison of experiments as data: `comparison.json`."""

from typing import Literal

from pydantic import Field

from ctrlab_api.records import VerdictName
from ctrlab_api.schema_types import ApiModel


class ModelPair(ApiModel):
    """Two models of different experiments on the same test rows."""

    a: str
    b: str
    paired_seeds: tuple[int, ...]
    """Empty if the experiments share fewer than two seeds; the models are then treated as independent."""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    se: float | None = None
    simultaneous_low: float | None = None
    """Lower limit of the interval that covers all pairs simultaneously."""
    simultaneous_high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    """Holm-adjusted over all pairs of this comparison."""
    verdict: VerdictName | None = None
    label: str
    sentence: str
    method: str


class AcrossDataSets(ApiModel):
    """One value for each data set and model, and the tests over data sets."""

    models: tuple[str, ...]
    values: dict[str, tuple[float, ...]]
    """Mean over seeds by data set, in the order of `models`."""
    mean_ranks: tuple[float, ...] = ()
    friedman_chi2: float | None = None
    friedman_f: float | None = None
    friedman_p: float | None = None
    critical_difference: float | None = None
    groups: tuple[tuple[int, ...], ...] = ()
    """Models without a significant difference by Nemenyi's test, as indices into `models`."""
    against_first: tuple[float | None, ...] = ()
    """Holm-adjusted p of each model's mean rank against that of the first model."""
    posterior: dict[str, tuple[float, float, float]] = Field(default_factory=dict)
    """By `a - b`: probabilities that b is better, that the difference is within the margin, that a is better."""
    refused: str | None = None
    """Why there is no test."""
    methods: tuple[str, ...] = ()
    """Ids of the tests that were made."""


class SplitPair(ApiModel):
    """Two models over several random splits of one source."""

    a: str
    b: str
    difference: float
    """Mean over splits of the difference of means over seeds."""
    se: float | None = None
    """Corrected for the overlap of the train rows; absent if the differences do not vary."""
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    """Holm-adjusted over all pairs."""
    sentence: str = ""
    method: str


class AcrossSplits(ApiModel):
    """One value for each split and model, and the differences."""

    models: tuple[str, ...]
    values: dict[str, tuple[float, ...]]
    """Mean over seeds by experiment, in the order of `models`."""
    test_to_train: float
    """Ratio of test to train rows, which the corrected standard error depends on."""
    pairs: tuple[SplitPair, ...]


class ExperimentsComparison(ApiModel):
    """The result of one comparison; one of `pairs`, `across` and `splits` is set."""

    schema_version: Literal[1] = 1
    status: Literal["exploratory"] = "exploratory"
    experiments: dict[str, str]
    """namespace/name/uid of each experiment by its name in the comparison."""
    metric: str
    confidence: float
    margin: float | None = None
    data: dict[str, str]
    """Digest of each experiment's prepared data set."""
    pairs: tuple[ModelPair, ...] = ()
    across: AcrossDataSets | None = None
    splits: AcrossSplits | None = None
    inputs: dict[str, str]
    """Digest over the inputs of each experiment."""
    versions: dict[str, str]
