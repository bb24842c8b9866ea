"""Every row of the source is in one split, and the numbers of rows add up, for every split and with negatives."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from builders import make_dataset
from hypothesis import given
from hypothesis import strategies as st

from ctrlab_trainer.data.data_quality.row_accounting import account_for_rows
from ctrlab_trainer.data.data_quality.row_hashes import row_hashes
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.preparation.source_columns import numeric_columns, required_columns
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.sources.source_locations import locate

SPLITS: list[dict[str, Any]] = [
    {"strategy": "Random"},
    {"strategy": "Random", "by": "User"},
    {"strategy": "Temporal"},
    {"strategy": "LeaveLastOut"},
    {"strategy": "UserColdStart"},
    {"strategy": "Predefined", "column": "part"},
]
PARTS = ("train", "train", "valid", "test")


@given(
    split=st.sampled_from(SPLITS),
    per_positive=st.integers(0, 2),
    rows=st.integers(60, 140),
    repeated=st.integers(0, 5),
    seed=st.integers(0, 2**16),
)
def test_rows_add_up(split: dict[str, Any], per_positive: int, rows: int, repeated: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    lines = [
        f"u{row % 12},i{generator.integers(30)},{row},{PARTS[row // 3 % 4]},{(row + row // 12) % 2}"
        for row in range(rows)
    ]
    lines += lines[:repeated]
    with TemporaryDirectory() as folder:
        (Path(folder) / "rows.csv").write_text("\n".join(["user,item,time,part,click", *lines]) + "\n")
        dataset = make_dataset(
            source={"uri": f"file://{folder}/rows.csv", "format": "csv"},
            label={"column": "click"},
            features=[{"name": "user", "type": "Categorical"}, {"name": "item", "type": "Categorical"}],
            user="user",
            time="time",
            split=split,
            negatives={"item": "item", "perPositive": per_positive} if per_positive else None,
        )
        table = read_source(locate(dataset.source), required_columns(dataset), numeric_columns(dataset))
        encoded = encode_dataset(table, dataset)
        accounting = account_for_rows(encoded, row_hashes(encoded))
    splits = (accounting.train, accounting.valid, accounting.test)
    assert accounting.read == len(lines)
    assert sum(counts.read for counts in splits) + sum(accounting.dropped.values()) == accounting.read
    assert [counts.encoded for counts in splits] == [encoded_split.rows for encoded_split in encoded.splits]
    assert all(counts.encoded == counts.read + counts.sampled for counts in splits)
    assert all(counts.sampled == 0 for counts in splits) == (per_positive == 0)
    assert 0 <= sum(counts.duplicated for counts in splits) <= repeated
