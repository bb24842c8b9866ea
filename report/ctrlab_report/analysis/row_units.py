"""Units of the test rows (users and groups): the rows of one unit are not independent."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ctrlab_report.inputs.prediction_reader import TestRows
from ctrlab_report.statistics.row_clusters import RowClusters, cluster_rows
from ctrlab_report.statistics.supported_metrics import Metric


@dataclass(frozen=True)
class RowUnits:
    """Users and groups of the test rows; None where there are fewer than two. A group has one user."""

    users: RowClusters | None
    groups: RowClusters | None

    def clusters_of(self, metric: Metric) -> RowClusters | None:
        """Return the clusters of one metric: users, else groups; only users for GAUC, which they define."""
        return self.users if metric is Metric.GAUC else self.users or self.groups

    @property
    def independent_by(self) -> Literal["user", "group"] | None:
        """The unit that clusters the errors; None for independent rows."""
        return "user" if self.users else "group" if self.groups else None


def row_units(test: TestRows) -> RowUnits:
    """Return the users and groups of the test rows."""
    return RowUnits(_clusters(test.users), _clusters(test.groups))


def _clusters(ids: NDArray[np.int32] | None) -> RowClusters | None:
    return cluster_rows(ids) if ids is not None and np.unique(ids[:]).size > 1 else None
