"""Groups of rows that were shown together: an impression, a session or a query."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.readers.source_tables import CodedColumn, SourceTable, factorize


def row_groups(table: SourceTable, dataset: Dataset, users: CodedColumn | None) -> CodedColumn | None:
    """Return the group of each row, None without a group column.

    InvalidData for a missing group, and for a group with rows of several users: standard errors are clustered by user,
    and then assume that no group depends on two of them.
    """
    if dataset.group is None:
        return None
    groups = factorize(table.data[dataset.group])
    missing = groups.codes == groups.values.index("").as_py()  # -1, which is no code, if no group is missing
    if missing.any():
        raise InvalidData.at(
            table.location(int(np.argmax(missing)), dataset.group),
            "the group is missing; rows without one would form one large group: fill it, or leave the row out",
        )
    if users is not None:
        user_of_group = np.empty(len(groups.values), np.int32)
        user_of_group[groups.codes[::-1]] = users.codes[::-1]
        differs = users.codes != user_of_group[groups.codes]
        if differs.any():
            row = int(np.argmax(differs))
            code = int(groups.codes[row])
            first, second = (users.texts()[int(user)] for user in (user_of_group[code], users.codes[row]))
            raise InvalidData.at(
                table.location(row, dataset.group),
                f"the group {groups.texts()[code]!r} has rows of the users {first!r} and {second!r}; a group belongs "
                "to one user: name a column with an id of each impression, session or issued query, or leave out "
                "spec.dataset.user",
            )
    return groups


def separated_groups(groups_by_split: Sequence[NDArray[np.int32]]) -> tuple[int, int]:
    """Return the number of groups with rows in several splits, and the number of all groups."""
    distinct, splits = np.unique(np.concatenate([np.unique(groups) for groups in groups_by_split]), return_counts=True)
    return int((splits > 1).sum()), len(distinct)
