"""Checks of columns that have two roles which exclude each other, and of metrics that a split cannot have."""

from collections.abc import Iterator, Mapping

from ctrlab_api.errors import Problem
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import ExperimentSpec

MIN_GAUC_USERS = 2
"""Fewest users with a click and a non-click for which gauc and its sampling error are defined."""


def check_column_roles(dataset: Dataset) -> Iterator[Problem]:
    """Yield a problem for each pair of roles that one column cannot have."""
    label = None if dataset.label is None else dataset.label.column
    roles = {"user": dataset.user, "time": dataset.time_column, "split.column": dataset.split.column}
    for role, column in roles.items():
        if column is not None and column == label:
            yield Problem(
                f"spec.dataset.{role}",
                f"{column!r} is the label column; name another column",
            )
    if dataset.user is not None and dataset.user == dataset.time_column:
        yield Problem("spec.dataset.time", f"{dataset.time_column!r} is the user column; name the column of times")
    for index, table in enumerate(dataset.source.tables or ()):
        if table.on == label:
            yield Problem(
                f"spec.dataset.source.tables[{index}].joinOn",
                f"{label!r} is the label column: the joined columns would reveal the label; join by another column",
            )


def check_metrics(spec: ExperimentSpec) -> Iterator[Problem]:
    """Yield a problem if gauc is reported for a split that leaves one row of each user."""
    split, dataset = spec.dataset.split, spec.dataset
    is_last_row = split.strategy == "LeaveLastOut" and split.count in (None, 1)
    is_single_row = is_last_row and dataset.negatives is None
    if "gauc" in spec.analysis.metrics and is_single_row:
        yield Problem(
            "spec.analysis.metrics",
            "gauc needs users with a click and a non-click, and a LeaveLastOut split leaves one row of each user in "
            "valid and test; leave gauc out, raise split.count, or sample negatives (spec.dataset.negatives)",
        )


def gauc_problem(users_with_both_classes: Mapping[str, int | None]) -> str | None:
    """Return why gauc is undefined, given the number of users with both classes by split; None if it is defined.

    A number is unknown, None, for data that an earlier version prepared.
    """
    too_few = {
        split: users for split, users in users_with_both_classes.items() if users is not None and users < MIN_GAUC_USERS
    }
    if not too_few:
        return None
    counts = " and ".join(f"{split} has {users}" for split, users in too_few.items())
    return (
        f"gauc is undefined: it needs at least {MIN_GAUC_USERS} users with both a click and a non-click in valid and "
        f"in test, and {counts}; leave gauc out, or choose a split that leaves users several rows in both"
    )
