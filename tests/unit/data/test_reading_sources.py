"""The same rows in every format give the same encoded data."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from builders import categorical, csv_source, make_dataset

from ctrlab_api.resources.dataset import Dataset
from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.preparation.source_columns import numeric_columns, required_columns
from ctrlab_trainer.data.prepared.encoded_dataset import EncodedDataset
from ctrlab_trainer.data.readers.column_values import numeric_values
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.sources.source_locations import locate

ROWS = pd.DataFrame(
    {
        "user_id": [f"u{i % 5}" for i in range(40)],
        "item_id": [i % 7 for i in range(40)],
        "price": [i / 4 if i % 6 else None for i in range(40)],
        "time": [1_700_000_000_000 + i for i in range(40)],
        "click": [i % 3 % 2 for i in range(40)],
    }
)
CSV = ROWS.to_csv(index=False)
TSV = ROWS.to_csv(index=False, sep="\t")


def encoded(source: dict[str, Any]) -> EncodedDataset:
    dataset = make_dataset(
        source=source,
        user="user_id",
        time="time",
        split={"strategy": "Temporal"},
        features=[
            {"name": "item_id", "type": "Categorical"},
            {"name": "price", "type": "Numeric"},
            {"name": "past", "type": "History", "of": "item_id"},
        ],
    )
    return encode_dataset(read_source(locate(dataset.source), required_columns(dataset)), dataset)


def test_every_format_gives_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTRLAB_PVC_ROOT", str(tmp_path.parent))
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "no-suffix").write_bytes(gzip.compress(TSV.encode()))
    (tmp_path / "no-header.csv").write_text(CSV.partition("\n")[2])
    typed_header = "user_id:token\titem_id:token\tprice:float\ttime:float\tclick:float\n"
    (tmp_path / "typed.tsv").write_text(typed_header + TSV.partition("\n")[2])
    ROWS.to_parquet(tmp_path / "a.parquet")
    folder = tmp_path / "folder"
    folder.mkdir()
    ROWS[:15].to_parquet(folder / "1.parquet")
    ROWS[15:].to_parquet(folder / "2.parquet")
    members = ROWS.to_json(orient="records", lines=True)
    (tmp_path / "a.jsonl").write_text(members)
    with pa.CompressedOutputStream(str(tmp_path / "a.zst"), "zstd") as file:
        file.write(CSV.encode())
    atomic = tmp_path / "atomic"
    atomic.mkdir()
    (atomic / "x.inter").write_text(typed_header + TSV.partition("\n")[2])
    sources: list[dict[str, Any]] = [
        {"uri": f"file://{tmp_path}/a.csv", "format": "csv"},
        {"uri": f"file://{tmp_path}/no-suffix", "format": "tsv"},
        {"uri": f"file://{tmp_path}/no-header.csv", "format": "csv", "header": False, "columns": list(ROWS.columns)},
        {"uri": f"file://{tmp_path}/typed.tsv", "format": "tsv"},
        {"uri": f"file://{tmp_path}/a.parquet", "format": "parquet"},
        {"uri": f"file://{folder}", "format": "parquet"},
        {"uri": f"file://{atomic}", "format": "recbole"},
        {"uri": f"file://{tmp_path}/a.jsonl", "format": "jsonl"},
        {"uri": f"file://{tmp_path}/a.zst", "format": "csv"},
        {"uri": f"pvc://{tmp_path.name}/a.csv", "format": "csv"},
    ]
    first, *others = [encoded(source) for source in sources]
    assert first.splits[0].rows == 32
    for other in others:
        assert (other.fitted, other.schema) == (first.fitted, first.schema)
        for split, other_split in zip(first.splits, other.splits, strict=True):
            assert np.array_equal(split.categorical, other_split.categorical)
            assert np.array_equal(split.numeric, other_split.numeric)
            assert np.array_equal(split.histories["past"].events, other_split.histories["past"].events)


def test_dates_are_ordered_like_numeric_times(tmp_path: Path) -> None:
    dated = ROWS.assign(time=pd.to_datetime(ROWS["time"], unit="ms").dt.strftime("%Y-%m-%d %H:%M:%S.%f"))
    dated.to_csv(tmp_path / "dated.csv", index=False)
    (tmp_path / "a.csv").write_text(CSV)
    numbers, dates = (encoded({"uri": f"file://{tmp_path}/{name}.csv", "format": "csv"}) for name in ("a", "dated"))
    assert np.array_equal(numbers.splits[2].row_ids, dates.splits[2].row_ids)


def test_attributes_of_items_are_joined_and_absent_items_have_missing_values(tmp_path: Path) -> None:
    rows = "".join(f"i{i % 3},{i % 2}\n" for i in range(30))
    (tmp_path / "rows.csv").write_text("item,click\n" + rows)
    (tmp_path / "items.csv").write_text("colour,item\nred,i0\nblue,i1\n")
    items = csv_source(f"file://{tmp_path}/items.csv", on="item")
    dataset = make_dataset(
        source=csv_source(f"file://{tmp_path}/rows.csv", tables=[items]), features=categorical("colour")
    )
    table = read_source(locate(dataset.source), required_columns(dataset))
    assert table.data["colour"].to_pylist()[:3] == ["red", "blue", None]


def test_labels_follow_the_comparison(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("item,stars\n" + "".join(f"i,{i % 5 + 1}\n" for i in range(30)))
    dataset = make_dataset(
        source=csv_source(f"file://{tmp_path}/a.csv"),
        label={"column": "stars", "positiveWhen": ">= 4"},
        features=categorical("item"),
        split__fractions=["0.4", "0.3", "0.3"],
    )
    data = encode_dataset(read_source(locate(dataset.source), required_columns(dataset)), dataset)
    labels = {
        int(row): int(label) for split in data.splits for row, label in zip(split.row_ids, split.labels, strict=True)
    }
    assert labels == {i: int(i % 5 >= 3) for i in range(30)}


@pytest.mark.parametrize("quote", ['"Toy" Story', "5'"])
def test_a_quote_in_tab_separated_text_is_an_ordinary_character(tmp_path: Path, quote: str) -> None:
    (tmp_path / "a.tsv").write_text("item\tclick\n" + f"{quote}\t1\nplain\t0\n" * 10)
    dataset = make_dataset(source={"uri": f"file://{tmp_path}/a.tsv", "format": "tsv"}, features=categorical("item"))
    assert read_source(locate(dataset.source), required_columns(dataset)).data["item"][0].as_py() == quote


def test_folders_of_a_partitioned_table_become_a_column(tmp_path: Path) -> None:
    for day in ("2024-01-01", "a%2Fb"):
        (tmp_path / f"day={day}").mkdir()
        ROWS[:6].to_parquet(tmp_path / f"day={day}" / "0.parquet")
    dataset = dataset_with([{"name": "day", "type": "Categorical"}], uri=f"file://{tmp_path}", format="parquet")
    located = locate(dataset.source)
    table = read_source(located, required_columns(dataset))
    assert table.data["day"].to_pylist() == ["2024-01-01"] * 6 + ["a/b"] * 6
    assert [digest.name for digest in located.digests()] == ["day=2024-01-01/0.parquet", "day=a%2Fb/0.parquet"]
    assert table.location(7, "day") == "day=a%2Fb/0.parquet, row 2, column day"


def test_libsvm_files_have_labels_indices_fields_and_values(tmp_path: Path) -> None:
    (tmp_path / "a.libsvm").write_text("1 3:1 17:0.5 # a comment\n-1 4:1 17:0\n\n1 3:1 20:2e-1\n")
    features = [
        {"name": "indices", "type": "MultiCategorical"},
        {"name": "field_1", "type": "Categorical"},
        {"name": "index_17", "type": "Numeric"},
    ]
    dataset = dataset_with(features, label="label", uri=f"file://{tmp_path}/a.libsvm", format="libsvm")
    table = read_source(locate(dataset.source), required_columns(dataset))
    assert {name: table.data[name].to_pylist() for name in table.data.column_names} == {
        "label": ["1", "-1", "1"],
        "indices": [["3", "17"], ["4"], ["3", "20"]],
        "field_1": ["3", "4", "3"],
        "index_17": [0.5, 0.0, 0.0],
    }


def test_json_numbers_and_booleans_become_text(tmp_path: Path) -> None:
    lines = ['{"item": 7, "click": true, "tags": ["a", "b"]}', '{"item": 8, "click": false}', '{"click": true}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    features = [{"name": "item", "type": "Categorical"}, {"name": "tags", "type": "MultiCategorical"}]
    dataset = dataset_with(features, uri=f"file://{tmp_path}/a.jsonl", format="jsonl")
    table = read_source(locate(dataset.source), required_columns(dataset))
    assert table.data["item"].to_pylist() == ["7", "8", None]
    assert table.data["click"].to_pylist() == ["true", "false", "true"]
    assert table.data["tags"].to_pylist() == [["a", "b"], None, None]


def test_the_block_size_has_no_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "a.jsonl").write_text(ROWS.to_json(orient="records", lines=True))
    sources = [{"uri": f"file://{tmp_path}/a.{name}", "format": name} for name in ("csv", "jsonl")]
    in_one_block = [encoded(source) for source in sources]
    monkeypatch.setattr("ctrlab_trainer.data.readers.delimited_files.BLOCK_BYTES", 64)
    monkeypatch.setattr("ctrlab_trainer.data.readers.byte_streams.BLOCK_BYTES", 200)
    for expected, source in zip(in_one_block, sources, strict=True):
        in_small_blocks = encoded(source)
        assert in_small_blocks.fitted == expected.fitted
        for split, other_split in zip(in_small_blocks.splits, expected.splits, strict=True):
            assert np.array_equal(split.categorical, other_split.categorical)
            assert np.array_equal(split.numeric, other_split.numeric)


def test_unusual_spellings_of_numbers_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("price,click\n 1.5 ,1\n+2,0\n1e1,1\nNA,0\n,1\n")
    dataset = dataset_with([{"name": "price", "type": "Numeric"}], uri=f"file://{tmp_path}/a.csv", format="csv")
    table = read_source(locate(dataset.source), required_columns(dataset), numeric_columns(dataset))
    assert numeric_values(table, "price").tolist()[:3] == [1.5, 2, 10]
    assert np.isnan(numeric_values(table, "price")[3:]).all()


def dataset_with(features: list[dict[str, Any]], label: str = "click", **source: str) -> Dataset:
    return make_dataset(source=source, label={"column": label}, features=features)
