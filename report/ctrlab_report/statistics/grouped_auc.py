"""AUC within each user or group, from one sort of all rows.

GAUC (Zhu et al. 2017, "Optimized cost per click in Taobao display advertising") averages the AUC of users, weighted by
their impressions. A user with only clicks or only non-clicks has no AUC and is skipped; the record of each run contains
the skipped shares. AUC by group is the same for groups of rows (impressions, sessions, queries) in place of users.
"""

from dataclasses import dataclass

import numpy as np

from ctrlab_api.metrics import WITHIN_METRICS
from ctrlab_report.statistics.delong_placements import ordered_keys
from ctrlab_report.statistics.errors import OneClass, TooFewRows
from ctrlab_report.statistics.input_checks import AnyArray, BoolArray, FloatArray
from ctrlab_report.statistics.row_clusters import RowClusters
from ctrlab_report.statistics.supported_metrics import Metric

# A 64-bit sort key packs 31 bits of user, 32 of score and one of label.
_MAX_USERS = 1 << 31
_USER_SHIFT, _LABEL_SHIFT = np.uint64(33), np.uint64(1)


@dataclass(frozen=True)
class GroupedAuc:
    """AUC (`by_user`) and number of rows (`impressions`) of each user; the AUC of a one-class user is NaN."""

    by_user: FloatArray
    impressions: FloatArray

    @property
    def two_class(self) -> BoolArray:
        """Users with both clicks and non-clicks."""
        return np.isfinite(self.by_user)

    @property
    def gauc(self) -> float:
        """Impression-weighted mean over the users with both classes."""
        return float(np.average(self.by_user[self.two_class], weights=self.impressions[self.two_class]))


def grouped_auc(positive: BoolArray, scores: AnyArray, users: RowClusters, metric: Metric = Metric.GAUC) -> GroupedAuc:
    """Return the AUC of each user (or group, for AUC_BY_GROUP) for one run; ties count one half.

    Raises OneClass if no user has both a click and a non-click. Oracle: users A (1,0), B (1,0,0), C one class give .7.
    """
    if users.count > _MAX_USERS:
        raise TooFewRows(
            f"users: found {users.count}, at most {_MAX_USERS} fit into the sort key; use coarser clusters"
        )
    packed = users.codes.astype(np.uint64) << _USER_SHIFT
    packed |= ordered_keys(scores).astype(np.uint64) << _LABEL_SHIFT
    packed |= positive
    packed.sort()

    click = (packed & np.uint64(1)).astype(np.bool_)
    before = np.concatenate(([0], np.cumsum(~click)))  # non-clicks before each position
    ties = packed >> _LABEL_SHIFT
    tie_starts = np.flatnonzero(np.concatenate(([True], ties[1:] != ties[:-1])))
    tie_ends = np.append(tie_starts[1:], click.size)
    tie_user = (packed[tie_starts] >> _USER_SHIFT).astype(np.intp)

    impressions = np.bincount(users.codes, minlength=users.count)
    user_starts = np.concatenate(([0], np.cumsum(impressions)[:-1]))
    non_clicks = before[user_starts + impressions] - before[user_starts]
    clicks = impressions - non_clicks
    clicks_in_tie = (tie_ends - tie_starts) - (before[tie_ends] - before[tie_starts])
    below = 0.5 * (before[tie_starts] + before[tie_ends]) - before[user_starts][tie_user]
    wins = np.bincount(tie_user, weights=clicks_in_tie * below, minlength=users.count)

    pairs = clicks.astype(np.float64) * non_clicks
    if not pairs.any():
        raise OneClass(
            f"{metric}: no {WITHIN_METRICS[metric.value]} has both a click and a non-click; drop {metric} from "
            "analysis.metrics for this data set"
        )
    by_user = np.full(users.count, np.nan)
    np.divide(wins, pairs, out=by_user, where=pairs > 0)
    return GroupedAuc(by_user, impressions.astype(np.float64))
