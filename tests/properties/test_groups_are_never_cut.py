"""A Random split by Group keeps all rows of a group in one split, for any groups, shares and seed."""

import numpy as np
import pyarrow as pa
from builders import csv_source, make_dataset
from hypothesis import given
from hypothesis import strategies as st

from ctrlab_trainer.data.readers.source_tables import SourceTable, factorize
from ctrlab_trainer.data.splits.row_groups import separated_groups
from ctrlab_trainer.data.splits.split_strategies import assign_splits

SHARES = [["0.8", "0.1", "0.1"], ["0.5", "0.25", "0.25"], ["0.34", "0.33", "0.33"]]


@given(
    groups=st.lists(st.sampled_from([f"g{index}" for index in range(12)]), min_size=1, max_size=60),
    shares=st.sampled_from(SHARES),
    seed=st.integers(0, 100),
)
def test_all_rows_of_a_group_are_in_one_split(groups: list[str], shares: list[str], seed: int) -> None:
    split = {"strategy": "Random", "by": "Group", "fractions": shares, "seed": seed}
    dataset = make_dataset(
        source=csv_source(), features=[{"name": "group", "type": "Categorical"}], group="group", split=split
    )
    table = SourceTable(pa.table({"group": groups}), (("none.csv", len(groups)),))
    codes = factorize(table.data["group"]).codes
    split_of_row = assign_splits(table, dataset, None, None, codes)
    assert separated_groups([codes[split_of_row == part] for part in range(3)])[0] == 0
    assert all(len(set(split_of_row[np.array(groups) == group])) == 1 for group in groups)
