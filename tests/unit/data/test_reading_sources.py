"""The same rows in every format give the same encoded data."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

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
    spec = {
        "source": source,
        "label": {"column": "click"},
        "user": "user_id",
        "time": "time",
        "split": {"strategy": "Temporal"},
        "features": [
            {"name": "item_id", "type": "Categorical"},
            {"name": "price", "type": "Numeric"},
            {"name": "past", "type": "History", "of": "item_id"},
        ],
    }
    dataset = Dataset.model_validate_json(json.dumps(spec))
    return encode_dataset(read_source(locate(dataset.source), required_columns(dataset)), dataset)


def test_every_way_of_writing_gives_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTRLAB_PVC_ROOT", str(tmp_path.parent))
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "plainly-named").write_bytes(gzip.compress(TSV.encode()))
    (tmp_path / "bare.csv").write_text(CSV.partition("\n")[2])
    typed = "user_id:token\titem_id:token\tprice:float\ttime:float\tclick:float\n"
    (tmp_path / "typed.tsv").write_text(typed + TSV.partition("\n")[2])
    ROWS.to_parquet(tmp_path / "a.parquet")
    parts = tmp_path / "parts"
    parts.mkdir()
    ROWS[:15].to_parquet(parts / "1.parquet")
    ROWS[15:].to_parquet(parts / "2.parquet")
    members = ROWS.to_json(orient="records", lines=True)
    (tmp_path / "a.jsonl").write_text(members)
    with pa.CompressedOutputStream(str(tmp_path / "a.zst"), "zstd") as packed:
        packed.write(CSV.encode())
    atomic = tmp_path / "atomic"
    atomic.mkdir()
    (atomic / "x.inter").write_text(typed + TSV.partition("\n")[2])
    ways: list[dict[str, Any]] = [
        {"uri": f"file://{tmp_path}/a.csv", "format": "csv"},
        {"uri": f"file://{tmp_path}/plainly-named", "format": "tsv"},
        {"uri": f"file://{tmp_path}/bare.csv", "format": "csv", "header": False, "columns": list(ROWS.columns)},
        {"uri": f"file://{tmp_path}/typed.tsv", "format": "tsv"},
        {"uri": f"file://{tmp_path}/a.parquet", "format": "parquet"},
        {"uri": f"file://{parts}", "format": "parquet"},
        {"uri": f"file://{atomic}", "format": "recbole"},
        {"uri": f"file://{tmp_path}/a.jsonl", "format": "jsonl"},
        {"uri": f"file://{tmp_path}/a.zst", "format": "csv"},
        {"uri": f"pvc://{tmp_path.name}/a.csv", "format": "csv"},
    ]
    first, *others = [encoded(way) for way in ways]
    assert first.splits[0].rows == 32
    for other in others:
        assert (other.fitted, other.schema) == (first.fitted, first.schema)
        for one, two in zip(first.splits, other.splits, strict=True):
            assert np.array_equal(one.categorical, two.categorical)
            assert np.array_equal(one.numeric, two.numeric)
            assert np.array_equal(one.histories["past"].events, two.histories["past"].events)


def test_dates_are_ordered_as_times(tmp_path: Path) -> None:
    dated = ROWS.assign(time=pd.to_datetime(ROWS["time"], unit="ms").dt.strftime("%Y-%m-%d %H:%M:%S.%f"))
    dated.to_csv(tmp_path / "dated.csv", index=False)
    (tmp_path / "a.csv").write_text(CSV)
    numeric_values, dates = (
        encoded({"uri": f"file://{tmp_path}/{name}.csv", "format": "csv"}) for name in ("a", "dated")
    )
    assert np.array_equal(numeric_values.splits[2].row_ids, dates.splits[2].row_ids)


def test_attributes_of_items_are_joined_and_absent_ones_are_missing(tmp_path: Path) -> None:
    rows = "".join(f"i{i % 3},{i % 2}\n" for i in range(30))
    (tmp_path / "rows.csv").write_text("item,click\n" + rows)
    (tmp_path / "items.csv").write_text("colour,item\nred,i0\nblue,i1\n")
    spec = {
        "source": {
            "uri": f"file://{tmp_path}/rows.csv",
            "format": "csv",
            "tables": [{"uri": f"file://{tmp_path}/items.csv", "format": "csv", "on": "item"}],
        },
        "label": {"column": "click"},
        "features": [{"name": "colour", "type": "Categorical"}],
        "split": {"strategy": "Random"},
    }
    dataset = Dataset.model_validate_json(json.dumps(spec))
    table = read_source(locate(dataset.source), required_columns(dataset))
    assert table.data["colour"].to_pylist()[:3] == ["red", "blue", None]


def test_labels_follow_the_comparison(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("item,stars\n" + "".join(f"i,{i % 5 + 1}\n" for i in range(30)))
    spec = {
        "source": {"uri": f"file://{tmp_path}/a.csv", "format": "csv"},
        "label": {"column": "stars", "positiveWhen": ">= 4"},
        "features": [{"name": "item", "type": "Categorical"}],
        "split": {"strategy": "Random", "fractions": ["0.4", "0.3", "0.3"]},
    }
    dataset = Dataset.model_validate_json(json.dumps(spec))
    data = encode_dataset(read_source(locate(dataset.source), required_columns(dataset)), dataset)
    found = {int(row): int(label) for part in data.splits for row, label in zip(part.row_ids, part.labels, strict=True)}
    assert found == {i: int(i % 5 >= 3) for i in range(30)}


@pytest.mark.parametrize("quote", ['"Toy" Story', "5'"])
def test_a_quote_in_tab_separated_text_is_a_letter(tmp_path: Path, quote: str) -> None:
    (tmp_path / "a.tsv").write_text("item\tclick\n" + f"{quote}\t1\nplain\t0\n" * 10)
    dataset = Dataset.model_validate_json(
        json.dumps(
            {
                "source": {"uri": f"file://{tmp_path}/a.tsv", "format": "tsv"},
                "label": {"column": "click"},
                "features": [{"name": "item", "type": "Categorical"}],
                "split": {"strategy": "Random"},
            }
        )
    )
    assert read_source(locate(dataset.source), required_columns(dataset)).data["item"][0].as_py() == quote


def test_folders_of_a_partitioned_table_are_a_column(tmp_path: Path) -> None:
    for day in ("2024-01-01", "a%2Fb"):
        (tmp_path / f"day={day}").mkdir()
        ROWS[:6].to_parquet(tmp_path / f"day={day}" / "0.parquet")
    dataset = dataset_with([{"name": "day", "type": "Categorical"}], uri=f"file://{tmp_path}", format="parquet")
    located = locate(dataset.source)
    table = read_source(located, required_columns(dataset))
    assert table.data["day"].to_pylist() == ["2024-01-01"] * 6 + ["a/b"] * 6
    assert [found.name for found in located.digests()] == ["day=2024-01-01/0.parquet", "day=a%2Fb/0.parquet"]
    assert table.place(7, "day") == "day=a%2Fb/0.parquet, row 2, column day"


def test_libsvm_gives_labels_indices_fields_and_values(tmp_path: Path) -> None:
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


def test_json_members_mean_the_same_however_they_are_written(tmp_path: Path) -> None:
    lines = ['{"item": 7, "click": true, "tags": ["a", "b"]}', '{"item": 8, "click": false}', '{"click": true}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    features = [{"name": "item", "type": "Categorical"}, {"name": "tags", "type": "MultiCategorical"}]
    dataset = dataset_with(features, uri=f"file://{tmp_path}/a.jsonl", format="jsonl")
    table = read_source(locate(dataset.source), required_columns(dataset))
    assert table.data["item"].to_pylist() == ["7", "8", ""]
    assert table.data["click"].to_pylist() == ["1", "0", "1"]
    assert table.data["tags"].to_pylist() == [["a", "b"], None, None]


def test_blocks_of_a_file_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "a.jsonl").write_text(ROWS.to_json(orient="records", lines=True))
    ways = [{"uri": f"file://{tmp_path}/a.{name}", "format": name} for name in ("csv", "jsonl")]
    whole = [encoded(way) for way in ways]
    monkeypatch.setattr("ctrlab_trainer.data.readers.delimited_files.BLOCK_BYTES", 64)
    monkeypatch.setattr("ctrlab_trainer.data.readers.decompression.BLOCK_BYTES", 200)
    for before, way in zip(whole, ways, strict=True):
        after = encoded(way)
        assert after.fitted == before.fitted
        for one, two in zip(after.splits, before.splits, strict=True):
            assert np.array_equal(one.categorical, two.categorical)
            assert np.array_equal(one.numeric, two.numeric)


def test_odd_spellings_of_numbers_are_still_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("price,click\n 1.5 ,1\n+2,0\n1e1,1\nNA,0\n,1\n")
    dataset = dataset_with([{"name": "price", "type": "Numeric"}], uri=f"file://{tmp_path}/a.csv", format="csv")
    table = read_source(locate(dataset.source), required_columns(dataset), numeric_columns(dataset))
    assert numeric_values(table, "price").tolist()[:3] == [1.5, 2, 10]
    assert np.isnan(numeric_values(table, "price")[3:]).all()


def dataset_with(features: list[dict[str, Any]], label: str = "click", **source: str) -> Dataset:
    spec = {
        "source": source,
        "label": {"column": label},
        "features": features,
        "split": {"strategy": "Random"},
    }
    return Dataset.model_validate_json(json.dumps(spec))
