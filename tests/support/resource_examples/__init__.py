"""Examples of valid and invalid resources, for the models and for the CRDs alike."""

from typing import Any, Final

from resource_examples.accepted_examples import ABLATION, ACCEPTED_EXAMPLES, EXPERIMENT, MINIMAL_EXPERIMENT
from resource_examples.dataset_examples import ACCEPTED_DATASETS, REJECTED_DATASETS
from resource_examples.rejected_as_duplicates import REJECTED_AS_DUPLICATES
from resource_examples.rejected_by_checks import REJECTED_BY_CHECKS
from resource_examples.rejected_by_rules import REJECTED_BY_RULES
from resource_examples.rejected_by_schema import REJECTED_BY_SCHEMA
from resource_examples.rejected_example import RejectedExample
from resource_examples.rejected_on_clusters import REJECTED_ON_CLUSTERS

__all__ = [
    "ABLATION",
    "ACCEPTED",
    "EXPERIMENT",
    "MINIMAL_EXPERIMENT",
    "REJECTED",
    "REJECTED_ON_CLUSTERS",
    "RejectedExample",
]

ACCEPTED: Final[dict[str, dict[str, Any]]] = {**ACCEPTED_EXAMPLES, **ACCEPTED_DATASETS}
"""Valid resources, accepted by the models and by the CRDs."""

REJECTED: Final[dict[str, RejectedExample]] = {
    **REJECTED_BY_SCHEMA,
    **REJECTED_AS_DUPLICATES,
    **REJECTED_BY_RULES,
    **REJECTED_DATASETS,
    **REJECTED_BY_CHECKS,
}
"""Invalid resources, by what is wrong with them."""
