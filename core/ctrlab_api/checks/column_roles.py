"""Checks of columns that have two roles which exclude each other, and of metrics that a split cannot have."""

from collections.abc import Iterator, Mapping

from ctrlab_api.errors import Problem
from ctrlab_api.metrics import WITHIN_METRICS, MetricName
from ctrlab_api.resources.dataset import Dataset
from ctrlab_api.resources.experiment import ExperimentSpec

MIN_TWO_CLASS_UNITS = 2
"""Fewest users (gauc) or groups (auc_by_group) with a click and a non-click for which the metric and its sampling
error are defined."""


def check_column_roles(dataset: Dataset) -> Iterator[Problem]:
    """Yield a problem for each pair of roles that one column cannot have."""
    label = None if dataset.label is None else dataset.label.column
    roles = {
        "user": dataset.user,
        "group": dataset.group,
        "time": dataset.time_column,
        "split.column": dataset.split.column,
    }
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


def within_metric_problem(metric: MetricName, units_with_both_classes: Mapping[str, int | None]) -> str | None:
    """Return why gauc or auc_by_group is undefined, None if it is defined.

    `units_with_both_classes` are the numbers of users or groups with a click and a non-click by split.
    A number is unknown, None, for data that an earlier version prepared.
    """
    too_few = {
        split: units
        for split, units in units_with_both_classes.items()
        if units is not None and units < MIN_TWO_CLASS_UNITS
    }
    if not too_few:
        return None
    counts = " and ".join(f"{split} has {units}" for split, units in too_few.items())
    units = f"{WITHIN_METRICS[metric]}s"
    return (
        f"{metric} is undefined: it needs at least {MIN_TWO_CLASS_UNITS} {units} with both a click and a non-click in "
        f"valid and in test, and {counts}; leave {metric} out, or choose a split that leaves {units} several rows in "
        "both"
    )
