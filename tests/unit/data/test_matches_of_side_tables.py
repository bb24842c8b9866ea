"""Side tables and vector files: counts of rows and values with a partner, an error without any, a warning for few."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import categorical, make_dataset, synthetic_source

from ctrlab_api.errors import InvalidData
from ctrlab_api.records.prepared_data import MatchCount, PreparedData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_store import FileStore
from ctrlab_trainer.data.inspection.dataset_inspection import inspect_dataset
from ctrlab_trainer.data.preparation.dataset_preparation import prepare_dataset
from ctrlab_trainer.data.preparation.source_columns import numeric_columns, required_columns
from ctrlab_trainer.data.readers import table_matches
from ctrlab_trainer.data.readers.key_differences import likely_difference
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.readers.source_tables import SourceTable
from ctrlab_trainer.data.sources.source_locations import locate

ROWS = 60


def write(folder: Path, name: str, columns: dict[str, Any]) -> dict[str, str]:
    """Write a table in the format of its extension; return it as a source."""
    path = folder / name
    match path.suffix:
        case ".csv":
            lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
            path.write_text("\n".join(lines) + "\n")
        case ".jsonl":
            pd.DataFrame(columns, dtype=object).to_json(path, orient="records", lines=True)
        case _:
            pa.parquet.write_table(pa.table(columns), path)
    return {"uri": path.as_uri(), "format": path.suffix[1:]}


def joined(folder: Path, rows: str, keys: Any, side: str, side_keys: Any, **changes: Any) -> Dataset:
    """Write rows with keys, repeated up to ROWS, and a side table; return a data set with a joined feature."""
    count = len(keys)
    index = [i % count for i in range(ROWS)]
    column = keys.take(pa.array(index)) if isinstance(keys, pa.Array) else [keys[i] for i in index]
    main = write(folder, rows, {"item": column, "click": [int(i % 7 < 3) for i in range(ROWS)]})
    table = write(folder, side, {"item": side_keys, "color": [f"c{i}" for i in range(len(side_keys))]})
    source = {**main, "tables": [{**table, "joinOn": "item"}]}
    return make_dataset(**{"source": source, "features": categorical("color"), **changes})


def with_vectors(folder: Path, keys: Sequence[str], file_keys: Any, **changes: Any) -> Dataset:
    """Write rows with keys and a file with vectors; return a data set with a feature that has these vectors."""
    rows = {"item_id": [keys[i % len(keys)] for i in range(ROWS)], "click": [int(i % 7 < 3) for i in range(ROWS)]}
    source = write(folder, "rows.csv", rows)
    write(folder, "vectors.parquet", {"key": file_keys, "vector": [[1.0, float(i)] for i in range(len(file_keys))]})
    pretrained = {"uri": (folder / "vectors.parquet").as_uri(), "vector": "vector", "key": "key"}
    feature = {"name": "item", "column": "item_id", "type": "Categorical", "pretrained": pretrained}
    return make_dataset(**{"source": source, "features": [feature], **changes})


def read(dataset: Dataset) -> SourceTable:
    return read_source(locate(dataset.source), required_columns(dataset), numeric_columns(dataset))


def match_of(table: SourceTable) -> MatchCount:
    (match,) = table.matches.values()
    return match.record


def prepare(dataset: Dataset, folder: Path) -> PreparedData:
    return prepare_dataset(dataset, FileStore.at(folder / "store"))


def test_rows_values_and_missing_keys_are_counted(tmp_path: Path) -> None:
    dataset = joined(tmp_path, "rows.csv", ["a", "b", "", "x", "a"], "items.csv", ["a", "b", "never", ""])
    record = prepare(dataset, tmp_path)
    expected = MatchCount(
        table="items.csv", column="item", rows=60, missing_rows=12, matched_rows=36, values=3, matched_values=2
    )
    assert record.matches == (expected,)
    assert not any("partner" in warning for warning in record.warnings)
    assert expected.statement == (
        "items.csv by item: 36 of 60 rows (60.0%), 2 of 3 values matched; 12 rows without a value"
    )
    assert inspect_dataset(dataset).matches == (expected,)


def test_a_missing_key_has_no_partner_even_if_the_side_table_has_rows_without_a_key(tmp_path: Path) -> None:
    dataset = joined(tmp_path, "rows.csv", ["a", ""], "items.csv", ["a", "", ""])
    table = read(dataset)
    assert table.data["color"].to_pylist()[:2] == ["c0", None]
    assert match_of(table).values == 1


@pytest.mark.parametrize(
    ("rows", "keys", "side", "side_keys"),
    [
        pytest.param("r.csv", ["7"], "s.parquet", pa.array([7], pa.int64()), id="csv text and int64"),
        pytest.param("r.csv", ["7"], "s.jsonl", [7], id="csv text and a jsonl number"),
        pytest.param("r.parquet", pa.array([7], pa.int32()), "s.parquet", pa.array([7.0]), id="int32 and float64"),
        pytest.param("r.parquet", pa.array([3.0, None]), "s.csv", ["3"], id="float64 and csv text"),
        pytest.param(
            "r.parquet", pa.array([2**63 + 1], pa.uint64()), "s.csv", [str(2**63 + 1)], id="uint64 above 2^63"
        ),
        pytest.param("r.parquet", pa.array([Decimal("3.50")]), "s.csv", ["3.50"], id="decimal with its scale"),
        pytest.param("r.csv", ["2024-01-05"], "s.parquet", pa.array([date(2024, 1, 5)]), id="date32"),
        pytest.param(
            "r.parquet",
            pa.array([datetime(2024, 1, 5, 13)], pa.timestamp("ns")),
            "s.parquet",
            pa.array([datetime(2024, 1, 5, 13)], pa.timestamp("ms")),
            id="timestamps of two units",
        ),
        pytest.param("r.parquet", pa.array([True, False]), "s.csv", ["true", "false"], id="booleans"),
        pytest.param("r.parquet", pa.array(["a", "b"]).dictionary_encode(), "s.csv", ["b", "a"], id="dictionary"),
        pytest.param(
            "r.parquet", pa.array([4, 5]).dictionary_encode(), "s.csv", ["5", "4"], id="dictionary of integers"
        ),
        pytest.param("r.csv", ["007"], "s.parquet", pa.array(["007"], pa.large_string()), id="large text with zeros"),
    ],
)
def test_equal_keys_of_different_types_and_formats_match(
    tmp_path: Path, rows: str, keys: Any, side: str, side_keys: Any
) -> None:
    record = match_of(read(joined(tmp_path, rows, keys, side, side_keys)))
    assert record.matched_rows == record.rows - record.missing_rows > 0
    assert record.matched_values == record.values


ZEROS, FRACTION, CASE, SPACES = "leading zeros", r"the \.0 of whole numbers", "upper and lower case", "surrounding"


@pytest.mark.parametrize(
    ("rows", "keys", "side", "side_keys", "examples", "reason"),
    [
        ("r.csv", ["000", "001"], "s.csv", ["1", "0"], "'000' in column item, and s.csv has '0'", ZEROS),
        ("r.csv", ["3.0", "4.0"], "s.parquet", [3, 4], "'3.0' in column item, and s.parquet has '3'", FRACTION),
        ("r.csv", ["x", "True"], "s.parquet", [True, False], "'True' in column item, and s.parquet has 'true'", CASE),
        ("r.csv", [" a"], "s.csv", ["b", "a"], "' a' in column item, and s.csv has 'a'", SPACES),
        ("r.csv", ["a"], "s.csv", ["a\u00a0"], r"'a' in column item, and s.csv has 'a\\xa0'", SPACES),
        ("r.csv", ["05/01/2024"], "s.parquet", [date(2024, 1, 5)], "'05/01/2024'.*'2024-01-05'", "same date"),
        ("r.csv", ["2024-01-05 00:00:00"], "s.csv", ["2024-01-05"], "'2024-01-05 00:00:00'", "same date"),
        ("r.csv", ["20240105"], "s.csv", ["5 Jan 2024"], "'20240105'.*'5 Jan 2024'", "same date"),
        ("r.csv", ["1", "0"], "s.parquet", [False, True], "'1' in column item, and s.parquet has 'true'", "booleans"),
        ("r.csv", ["'a'"], "s.csv", ["a"], "has 'a'", "quotes"),
        ("r.csv", ["1e3"], "s.csv", ["1000"], "'1e3' in column item, and s.csv has '1000'", "same number"),
        ("r.csv", [str(2**53 + 1)], "s.parquet", [float(2**53)], "'9007199254740993'", "last digits"),
        ("r.csv", ["caf\u00e9"], "s.csv", ["cafe\u0301"], "has 'cafe", "Unicode form"),
        ("r.csv", [" U007"], "s.csv", ["u007"], "' U007' in column item, and s.csv has 'u007'", "several details"),
        ("r.csv", ["a"], "s.csv", ["x"], "'a' in column item, and s.csv has 'x'", r"another column \(joinOn\)"),
        ("r.csv", ["a"], "s.csv", ["NA"], "'a' in column item", "this column has no value in any row"),
        ("r.csv", ["NA"], "s.csv", ["a"], "the column item has no value", "in 60 rows"),
    ],
)
def test_a_side_table_without_a_match_is_rejected_with_examples_and_the_likely_reason(
    tmp_path: Path, rows: str, keys: Any, side: str, side_keys: Any, examples: str, reason: str
) -> None:
    dataset = joined(tmp_path, rows, keys, side, side_keys)
    with pytest.raises(
        InvalidData, match=rf"^{side}, column item: matches none of the 60 rows: .*{examples}.*{reason}"
    ):
        read(dataset)


def test_few_matches_are_a_warning_in_the_record_and_the_inspection(tmp_path: Path) -> None:
    dataset = joined(tmp_path, "rows.csv", ["01", "02", "10"], "items.csv", ["1", "2", "10"])
    message = (
        "few rows have a partner: items.csv by item: 20 of 60 rows (33.3%), 1 of 3 values matched; the rows have '01' "
        "in column item, and items.csv has '1': they differ in leading zeros; write both as text with the same number "
        "of digits"
    )
    assert message in prepare(dataset, tmp_path).warnings
    assert [w.message for w in inspect_dataset(dataset).warnings if w.kind == "Matches"] == [message]


def test_half_of_the_rows_are_enough(tmp_path: Path) -> None:
    record = prepare(joined(tmp_path, "rows.csv", ["a", "b"], "items.csv", ["a"]), tmp_path)
    assert not any("partner" in warning for warning in record.warnings)


def test_a_join_column_that_is_also_a_number_keeps_its_text(tmp_path: Path) -> None:
    features = [*categorical("color"), {"name": "item", "type": "Numeric"}]
    record = match_of(read(joined(tmp_path, "rows.csv", ["007", "008"], "s.csv", ["007", "008"], features=features)))
    assert record.matched_rows == ROWS


def test_attributes_in_a_folder_of_recbole_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    rows = "".join(f"u{i % 3}\ti{i % 4}\t{int(i % 7 < 3)}\n" for i in range(ROWS))
    (folder / "shop.inter").write_text("user_id:token\titem_id:token\tlabel:float\n" + rows)
    (folder / "shop.item").write_text("item_id:token\tgenre:token\n" + "".join(f"i{i}\tg{i}\n" for i in range(2)))
    (folder / "shop.user").write_text("user_id:token\tage:token\n" + "".join(f"0u{i}\t{i}\n" for i in range(3)))
    source = {"uri": folder.as_uri(), "format": "recbole"}
    (match,) = read(
        make_dataset(source=source, features=categorical("genre"), label={"column": "label"})
    ).matches.values()
    assert (match.record.table, match.record.matched_rows) == ("shop.item", 30)
    with pytest.raises(InvalidData, match=r"^shop\.user, column user_id: matches none of the 60 rows"):
        read(make_dataset(source=source, features=categorical("genre", "age"), label={"column": "label"}))


def test_a_value_of_a_dictionary_without_rows_is_no_key(tmp_path: Path) -> None:
    keys = pa.DictionaryArray.from_arrays(pa.array([0, 2], pa.int32()), pa.array(["a", "unused", "c"]))
    table = read(joined(tmp_path, "rows.csv", ["a", "unused", "c"], "items.parquet", keys))
    assert table.data["color"].to_pylist()[:3] == ["c0", None, "c1"]
    assert (match_of(table).values, match_of(table).matched_rows) == (2, 40)


@pytest.mark.parametrize("side", ["items.csv", "items.parquet"])
def test_a_side_table_without_rows_is_rejected(tmp_path: Path, side: str) -> None:
    dataset = joined(tmp_path, "rows.csv", ["a"], side, pa.array([], pa.string()))
    with pytest.raises(InvalidData, match=rf"^{side}: has no rows"):
        read(dataset)


def test_a_side_table_with_lists_as_keys_is_rejected(tmp_path: Path) -> None:
    dataset = joined(tmp_path, "rows.csv", ["a"], "items.parquet", pa.array([["a"]]))
    with pytest.raises(InvalidData, match=r"^items\.parquet, column item: has the type list.*cannot be a key"):
        read(dataset)


def test_a_side_table_is_not_joined_to_another_side_table(tmp_path: Path) -> None:
    main = write(tmp_path, "rows.csv", {"item": ["a", "b"] * 30, "click": [0, 1, 1] * 20})
    items = write(tmp_path, "items.csv", {"item": ["a", "b"], "brand": ["x", "y"]})
    brands = write(tmp_path, "brands.csv", {"brand": ["x", "y"], "country": ["C", "D"]})
    source = {**main, "tables": [{**items, "joinOn": "item"}, {**brands, "joinOn": "brand"}]}
    message = r"^brands\.csv: .*'brand', which the main table does not have.*items\.csv has it, .* main table only"
    with pytest.raises(InvalidData, match=message):
        read(make_dataset(source=source, features=categorical("country")))


def test_every_side_table_is_counted_also_for_generated_rows(tmp_path: Path) -> None:
    items = write(tmp_path, "items.csv", {"item_id": [f"i{i}" for i in range(20)], "color": range(20)})
    users = write(tmp_path, "users.csv", {"user_id": ["u0", "u1"], "age": [1, 2]})
    source = {
        **synthetic_source(200, 4, 20),
        "tables": [{**users, "joinOn": "user_id"}, {**items, "joinOn": "item_id"}],
    }
    dataset = make_dataset(source=source, features=categorical("color", "age"))
    matches = [match.record for match in read(dataset).matches.values()]
    assert [(match.table, match.rows) for match in matches] == [("users.csv", 200), ("items.csv", 200)]


def test_vectors_are_counted_by_values_and_rows_of_train(tmp_path: Path) -> None:
    record = prepare(with_vectors(tmp_path, ["1", "2", "3"], [1.0, 2.0, 9.0]), tmp_path)
    assert record.matches is not None
    (match,) = record.matches
    assert (match.table, match.column, match.rows) == ("vectors.parquet", "item_id", record.train.rows)
    assert (match.values, match.matched_values) == (3, 2)
    assert 0.5 * match.rows < match.matched_rows < match.rows


@pytest.mark.parametrize(
    ("keys", "file_keys", "message"),
    [
        (
            ["3.0", "4.0"],
            [3.0, 4.0],
            r"has '[34]\.0' in column item_id, and vectors\.parquet has '[34]': .*\.0 of whole",
        ),
        (["a"], ["b"], r"has 'a' in column item_id, and vectors\.parquet has 'b'; .*pretrained\.key"),
        (["a"], [None], "has no value in any row"),
        (["a"], [["a"]], "cannot be a key"),
    ],
)
def test_vectors_without_a_match_are_rejected(tmp_path: Path, keys: Any, file_keys: Any, message: str) -> None:
    with pytest.raises(
        InvalidData, match=rf"^vectors\.parquet, column key: .*{message.replace('has ', 'ha[sv]e? ', 1)}"
    ):
        prepare(with_vectors(tmp_path, keys, file_keys), tmp_path)


def test_few_rows_with_vectors_are_a_warning_with_the_most_frequent_value(tmp_path: Path) -> None:
    warnings = prepare(with_vectors(tmp_path, ["rare", "often", "often", "often"], ["rare"]), tmp_path).warnings
    assert any("partner: vectors.parquet by item_id" in text and "the rows have 'often'" in text for text in warnings)


def test_the_kind_that_explains_most_keys_is_reported() -> None:
    difference = likely_difference(["A", "01", "02", "03"], ["a", "1", "2", "3"])
    assert difference is not None
    assert (difference.in_rows, difference.in_table) == ("01", "1")
    assert likely_difference(["x"], ["y"]) is None


def test_kept_examples_do_not_depend_on_the_grouping_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_matches, "EXAMPLES", 3)
    keys = [pa.array(["a", "b", "x"]), pa.array(["c", "a", "d"]), pa.array(["e"])]
    parts = [
        table_matches.KeyLookup.of(k, np.ones(len(k), np.int64), pa.compute.index_in(k, value_set=pa.array(["x"])), 1)
        for k in keys
    ]
    add = table_matches.KeyLookup.sum
    first, second = add(parts), add([parts[0], add(parts[1:])])
    assert first.unmatched == second.unmatched == ("a", "b", "c")
    assert (first.rows, first.matched_rows) == (second.rows, second.matched_rows) == (7, 1)
