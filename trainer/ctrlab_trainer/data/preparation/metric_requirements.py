"""Checks, before anything is trained, that every reported metric is defined on validation and test rows.

A split of one class is rejected when it is made; gauc also needs users, and auc_by_group groups, with both classes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.checks.column_roles import within_metric_problem
from ctrlab_api.errors import InvalidData
from ctrlab_api.metrics import WITHIN_METRICS
from ctrlab_api.records.prepared_data import PreparedData
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.splits.split_strategies import SPLIT_NAMES


def require_defined_metrics(metrics: Sequence[str], prepared: PreparedData) -> None:
    """Raise InvalidData if the record shows that a reported metric is undefined on validation or test."""
    for metric, unit in WITHIN_METRICS.items():
        if metric in metrics:
            counts = {name: getattr(getattr(prepared, name), f"{unit}s_with_both_classes") for name in SPLIT_NAMES[1:]}
            problem = within_metric_problem(metric, counts)
            if problem is not None:
                raise InvalidData.at("spec.analysis.metrics", problem)


def undefined_metrics(metrics: Sequence[str], splits: Sequence[EncodedSplit]) -> list[str]:
    """Return why reported metrics are undefined on the validation or test rows of an inspected data set."""
    problems = []
    for metric, unit in WITHIN_METRICS.items():
        if metric in metrics:
            ids = [split.users if unit == "user" else split.groups for split in splits[1:]]
            counts = {
                name: two_class_units(split, of_split)
                for name, split, of_split in zip(SPLIT_NAMES[1:], splits[1:], ids, strict=True)
            }
            problems.append(within_metric_problem(metric, counts))
    return [problem for problem in problems if problem is not None]


def two_class_units(split: EncodedSplit, ids: NDArray[np.int32] | None) -> int:
    """Return the number of users or groups, by the [rows] `ids` of the split, with a click and a non-click."""
    if ids is None:
        return 0
    clicked = split.labels[:] == 1
    units = np.asarray(ids)
    return len(np.intersect1d(units[clicked], units[~clicked]))
