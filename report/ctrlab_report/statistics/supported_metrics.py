"""The metrics whose sampling error the engine knows, and in which direction each is good."""

from enum import StrEnum


class Metric(StrEnum):
    """Names as the experiment's `spec.analysis.metrics` writes them."""

    AUC = "auc"
    GAUC = "gauc"
    LOGLOSS = "logloss"
    BRIER = "brier"
    NE = "ne"
    PCOC = "pcoc"

    @property
    def higher_is_better(self) -> bool | None:
        """None for PCOC: it is best at 1, so a difference of two PCOC has no good direction."""
        return _HIGHER_IS_BETTER[self]


_HIGHER_IS_BETTER: dict[Metric, bool | None] = {
    Metric.AUC: True,
    Metric.GAUC: True,
    Metric.LOGLOSS: False,
    Metric.BRIER: False,
    Metric.NE: False,
    Metric.PCOC: None,
}
