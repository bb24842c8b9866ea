"""Checks, before anything is trained, that every reported metric is defined on validation and test rows.

A split of one class is rejected when it is made; gauc also needs users with both classes.
"""

from collections.abc import Sequence

import numpy as np

from ctrlab_api.checks.column_roles import gauc_problem
from ctrlab_api.errors import InvalidData
from ctrlab_api.records.prepared_data import PreparedData
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit
from ctrlab_trainer.data.splits.split_strategies import SPLIT_NAMES


def require_defined_metrics(metrics: Sequence[str], prepared: PreparedData) -> None:
    """Raise InvalidData if gauc is reported and the record shows that it is undefined on validation or test."""
    counts = {"valid": prepared.valid.users_with_both_classes, "test": prepared.test.users_with_both_classes}
    problem = gauc_problem(counts) if "gauc" in metrics else None
    if problem is not None:
        raise InvalidData.at("spec.analysis.metrics", problem)


def undefined_metrics(metrics: Sequence[str], splits: Sequence[EncodedSplit]) -> list[str]:
    """Return why reported metrics are undefined on the validation or test rows of an inspected data set."""
    if "gauc" not in metrics:
        return []
    problem = gauc_problem(
        {name: two_class_users(split) for name, split in zip(SPLIT_NAMES[1:], splits[1:], strict=True)}
    )
    return [] if problem is None else [problem]


def two_class_users(split: EncodedSplit) -> int:
    """Return the number of users with a click and a non-click."""
    if split.users is None:
        return 0
    clicked = split.labels[:] == 1
    users = np.asarray(split.users)
    return len(np.intersect1d(users[clicked], users[~clicked]))
