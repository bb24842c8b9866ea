"""Encoded files that violate their schema are rejected, with file, row and column, before training."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ctrlab_api.errors import InvalidData
from ctrlab_api.names import ExitCode
from ctrlab_trainer.data.prepared.encoded_schema import EncodedSchema
from ctrlab_trainer.data.prepared.encoded_splits import EncodedSplit, save_split
from ctrlab_trainer.data.prepared.split_validation import open_validated_split
from ctrlab_trainer.process.failures import classify

MakeSplit = Callable[[int, int], EncodedSplit]


@dataclass(frozen=True)
class Damage:
    """One damaged number of one file, and the expected message."""

    file: str
    index: tuple[int, ...]
    value: float
    message: str


DAMAGES = {
    "an id above the block of its feature": Damage(
        "categorical", (17, 0), 51, "row 17, user: found id 51; allowed are 1 to 50"
    ),
    "an id beyond the table": Damage("categorical", (3, 1), 10**6, "row 3, item: found id 1000000; allowed are 51"),
    "a negative id": Damage("categorical", (0, 1), -1, "row 0, item: found id -1"),
    "padding in a categorical column": Damage("categorical", (2, 0), 0, "row 2, user: found id 0"),
    "an id of another feature in a list": Damage("multicategorical-0", (9, 2), 7, "row 9, genres: found id 7"),
    "an event that is not an item": Damage("history-0-events", (11,), 91, "row 11, seen: found id 91; allowed are 51"),
    "a negative event": Damage("history-0-events", (0,), -5, "row 0, seen: found id -5"),
    "a history beyond its log": Damage("history-0-end", (5,), 999, "to 999 of a log of 200"),
    "a history that ends before it starts": Damage(
        "history-0-start", (5,), 10**6, "row 5, seen: refers to events 1000000"
    ),
    "NaN in a number": Damage("numeric", (8, 0), np.nan, "row 8, column age: found nan; allowed are finite numbers"),
    "infinity in a number": Damage("numeric", (8, 0), np.inf, "row 8, column age: found inf"),
    "a label of 2": Damage("labels", (4,), 2, "labels.npy, row 4: found 2; allowed are 0 and 1"),
}


@pytest.fixture
def folder(tmp_path: Path, make_split: MakeSplit) -> Path:
    """Return the folder of a valid split of 60 rows."""
    save_split(tmp_path, make_split(60, 1))
    return tmp_path


def test_valid_files_are_opened(folder: Path, schema: EncodedSchema) -> None:
    assert open_validated_split(folder, schema).rows == 60


@pytest.mark.parametrize("row", [0, 255, 256, 700, 1023])
def test_an_invalid_id_is_detected_in_any_row(
    row: int, tmp_path: Path, make_split: MakeSplit, schema: EncodedSchema
) -> None:
    split = make_split(1024, 1)
    split.categorical[row, 1] = 91
    save_split(tmp_path, split)
    with pytest.raises(InvalidData, match=f"row {row}, item: found id 91"):
        open_validated_split(tmp_path, schema)


@pytest.mark.parametrize("case", DAMAGES)
def test_one_invalid_number_is_reported(case: str, folder: Path, schema: EncodedSchema) -> None:
    damage = DAMAGES[case]
    path = folder / f"{damage.file}.npy"
    array = np.load(path)
    array[damage.index] = damage.value
    np.save(path, array)
    with pytest.raises(InvalidData) as raised:
        open_validated_split(folder, schema)
    code, message = classify(raised.value)
    assert code == ExitCode.BAD_SPEC_OR_DATA
    assert damage.message in message
    assert "\n" not in message
    assert message.endswith("delete this data set's folder and run ctrlab-trainer prepare again")


def test_a_file_of_another_length_is_reported(folder: Path, schema: EncodedSchema) -> None:
    np.save(folder / "users.npy", np.zeros(59, np.int32))
    with pytest.raises(InvalidData, match=r"users has 59 rows, and labels\.npy has 60"):
        open_validated_split(folder, schema)


@pytest.mark.parametrize("kept", [0, 40, 400])
def test_a_truncated_file_is_reported(kept: int, folder: Path, schema: EncodedSchema) -> None:
    path = folder / "categorical.npy"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InvalidData, match=r"cannot be read .*prepare again"):
        open_validated_split(folder, schema)
