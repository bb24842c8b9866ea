"""Preparation on a Dask cluster: the same bytes and the same error messages as on one machine."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import categorical, csv_source, make_dataset
from distributed import Client, LocalCluster

from ctrlab_api.errors import InvalidData
from ctrlab_api.resources.dataset import Dataset
from ctrlab_store import FileStore
from ctrlab_trainer.data.preparation import dask_encoding
from ctrlab_trainer.data.preparation.dask_encoding import DaskEncoder, connect
from ctrlab_trainer.data.preparation.dataset_preparation import prepare_dataset

FILES = 5
CONFIG = {"dashboard_address": "127.0.0.1:0", "threads_per_worker": 1}


@pytest.fixture(scope="module")
def threads() -> Iterator[Client]:
    """A Dask cluster of threads in this process."""
    with LocalCluster(n_workers=2, processes=False, **CONFIG) as local, Client(local, set_as_default=False) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write clicks of 30 users in five files, one without rows, a table of the items and vectors of the shops."""
    random = np.random.default_rng(3)
    rows = tmp_path / "rows"
    rows.mkdir()
    header = "user,item,shop,price,weight,age,tags,when,click\n"
    for file in range(FILES):
        lines = [
            f"u{random.integers(30)},i{random.integers(100)},s{random.integers(6)},{random.lognormal():.3f},"
            f"{random.normal():.2f},{random.integers(18, 80)},{'|'.join(f't{t}' for t in random.integers(0, 7, 3))},"
            f"{int(random.integers(10_000))},{int(random.random() < 0.4)}\n"
            for _ in range(200 if file != 2 else 0)
        ]
        (rows / f"part-{file}.csv.gz").write_bytes(gzip.compress((header + "".join(lines)).encode()))
    items = "item,category\n" + "".join(f"i{item},c{item % 3}\n" for item in range(100))
    (tmp_path / "items.csv").write_text(items)
    shops = {"shop": [f"s{shop}" for shop in range(7)], "vector": [[shop, 1.5] for shop in range(7)]}
    pa.parquet.write_table(pa.table(shops), tmp_path / "vectors.parquet")
    return tmp_path


def vectors(folder: Path) -> dict[str, str]:
    return {"uri": (folder / "vectors.parquet").as_uri(), "vector": "vector"}


def dataset_of(folder: Path, **changes: Any) -> Dataset:
    items = csv_source((folder / "items.csv").as_uri(), joinOn="item")
    fields = {
        "source": csv_source((folder / "rows").as_uri(), tables=[items]),
        "features": [
            *categorical("item", "category"),
            {"name": "shop", "type": "Categorical", "pretrained": vectors(folder)},
            {"name": "user", "type": "Categorical", "hashBuckets": 8},
            {"name": "category_shop", "type": "Cross", "cross": ["category", "shop"]},
            {"name": "price", "type": "Numeric"},
            {"name": "weight", "type": "Numeric", "transform": "QuantileBucket", "buckets": 4},
            {"name": "age", "type": "Numeric", "transform": "LogBucket"},
            {"name": "tags", "type": "MultiCategorical", "separator": "|", "pooling": "Max"},
            {"name": "past", "type": "History", "of": "item", "maxLength": 5, "timeGaps": True},
            {"name": "past_category", "type": "History", "of": "category", "through": "past"},
        ],
        "user": "user",
        "time": "when",
        "split": {"strategy": "Temporal"},
        "preprocessing": {"minFrequency": 2},
        **changes,
    }
    return make_dataset(**fields)


def contents(store: FileStore) -> dict[str, bytes]:
    files = (path for path in store.root.rglob("*") if path.is_file())
    return {path.relative_to(store.root).as_posix(): path.read_bytes() for path in files}


def prepare_both_ways(dataset: Dataset, client: Client, folder: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the contents of stores prepared on one machine and on the cluster."""
    local, remote = FileStore.at(folder / "local"), FileStore.at(folder / "remote")
    assert prepare_dataset(dataset, local) == prepare_dataset(dataset, remote, DaskEncoder(client))
    return contents(local), contents(remote)


def test_every_kind_of_feature_has_equal_bytes(folder: Path, threads: Client) -> None:
    local, remote = prepare_both_ways(dataset_of(folder, group="user"), threads, folder)
    assert any(name.endswith("train/categorical.npy") for name in local)
    assert any(name.endswith("train/groups.npy") for name in local)
    assert local == remote


def test_worker_processes_write_equal_bytes(folder: Path) -> None:
    with LocalCluster(n_workers=2, processes=True, **CONFIG) as cluster, connect(cluster.scheduler_address) as client:
        local, remote = prepare_both_ways(dataset_of(folder), client, folder)
        insert_line(folder, b"u1,i1,s1,dear,1,20,t1,5,1")
        with pytest.raises(InvalidData, match=r"part-1\.csv\.gz, row 1, column price: found 'dear'"):
            prepare_dataset(dataset_of(folder), FileStore.at(folder / "none"), DaskEncoder(client))
    assert local == remote


def write_lists(folder: Path) -> Path:
    """Write rows with histories, tags in numbered columns and vectors in four files."""
    random = np.random.default_rng(4)
    (folder / "lists").mkdir()
    for file in range(4):
        lines = [
            f"i{random.integers(40)},{random.integers(0, 2)},{when},i{random.integers(60)}^0^i{random.integers(9)},"
            f"{when - 7}^0^{when - 1},t{random.integers(9)},,{random.normal():.3f} {random.normal():.3f}\n"
            for when in random.integers(10_000, 20_000, 150).tolist()
        ]
        text = "item,click,when,seen,seen_at,tag_0,tag_1,image\n" + "".join(lines)
        (folder / "lists" / f"part-{file}.csv").write_text(text)
    return folder / "lists"


def test_stored_histories_numbered_columns_and_vectors_have_equal_bytes(folder: Path, threads: Client) -> None:
    stored = {"separator": "^", "padding": "0", "times": "seen_at"}
    features = [
        {"name": "item", "type": "Categorical", "minFrequency": 3},
        {"name": "seen", "type": "History", "of": "item", "maxLength": 1, "timeGaps": True, "stored": stored},
        {"name": "tags", "type": "MultiCategorical", "columns": ["tag_{0..1}"]},
        {"name": "image", "type": "Vector", "width": 2},
    ]
    changes = {"source": csv_source(write_lists(folder).as_uri()), "features": features, "user": None}
    local, remote = prepare_both_ways(dataset_of(folder, **changes), threads, folder)
    assert any(name.endswith("train/stored-history-0-gaps.npy") for name in local)
    assert local == remote
    (folder / "lists" / "part-2.csv").write_text(
        'item,click,when,seen,seen_at,tag_0,tag_1,image\ni1,1,12000,"[i1, i2]","[1, 2]",,,1 2\n'
    )
    with pytest.raises(InvalidData, match=r"part-2\.csv, row 1, column seen: a list has brackets with commas"):
        prepare_dataset(dataset_of(folder, **changes), FileStore.at(folder / "none"), DaskEncoder(threads))


@pytest.mark.parametrize("column", ["when", "price"])
def test_weights_are_equal(column: str, folder: Path, threads: Client) -> None:
    changes = {"weight": {"column": column, "metrics": True}}
    local, remote = prepare_both_ways(dataset_of(folder, **changes), threads, folder)
    assert any(name.endswith("train/weights.npy") for name in local)
    assert local == remote


def test_sampled_negatives_are_equal(folder: Path, threads: Client) -> None:
    changes: dict[str, Any] = {
        "label": None,
        "split": {"strategy": "LeaveLastOut"},
        "negatives": {"item": "item", "attributes": ["tags"], "strategy": "Popularity", "seed": 4},
        "features": [{"name": name, "type": "Categorical"} for name in ("item", "category", "user", "tags")],
    }
    local, remote = prepare_both_ways(dataset_of(folder, **changes), threads, folder)
    assert local == remote


def test_matches_and_their_warnings_are_equal(folder: Path, threads: Client) -> None:
    items = (
        "item,category,group\n" + "".join(f"{item:03},c{item % 3},g{item % 2}\n" for item in range(99)) + "i7,c,g0\n"
    )
    (folder / "items.csv").write_text(items)
    with_joined_user = dataset_of(folder, features=categorical("category", "user"), user="group")
    for index, dataset in enumerate([dataset_of(folder), with_joined_user]):
        local, remote = prepare_both_ways(dataset, threads, folder / str(index))
        assert local == remote
    record = prepare_dataset(dataset_of(folder), FileStore.at(folder / "again"))
    assert any(warning.startswith("few rows have a partner: items.csv by item") for warning in record.warnings)
    assert [match.table for match in record.matches or ()] == ["items.csv", "vectors.parquet"]


def test_a_side_table_without_a_match_is_rejected(folder: Path, threads: Client) -> None:
    (folder / "items.csv").write_text("item,category\n" + "".join(f"I{item},c\n" for item in range(100)))
    with pytest.raises(InvalidData) as local:
        prepare_dataset(dataset_of(folder), FileStore.at(folder / "local"))
    with pytest.raises(InvalidData, match=r"^items\.csv, column item: matches none of the 800 rows") as remote:
        prepare_dataset(dataset_of(folder), FileStore.at(folder / "remote"), DaskEncoder(threads))
    assert str(remote.value) == str(local.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"u1,i1,s1,1,1,20,t1,never,1", r"part-1\.csv\.gz, row 1, column when: found 'never'"),
        (b"u1,i1,s1,1,1,20,t1,5,yes", r"part-1\.csv\.gz, row 1, column click: found 'yes'"),
        (b"u1,i1,s1,1", r"part-1\.csv\.gz: .*expected 9 columns, got 4"),
    ],
)
def test_invalid_values_are_reported_with_file_and_row(
    line: bytes, message: str, folder: Path, threads: Client
) -> None:
    insert_line(folder, line)
    store = FileStore.at(folder / "store")
    with pytest.raises(InvalidData, match=message):
        prepare_dataset(dataset_of(folder), store, DaskEncoder(threads))
    assert contents(store) == {}


@pytest.mark.parametrize("encoder_of", [lambda client: None, DaskEncoder], ids=["on one machine", "on a cluster"])
def test_files_with_different_types_are_rejected(
    encoder_of: Callable[[Client], Any], folder: Path, threads: Client
) -> None:
    files = folder / "parquet"
    files.mkdir()
    pa.parquet.write_table(pa.table({"x": [1, 2] * 50, "click": [0, 1] * 50}), files / "a.parquet")
    pa.parquet.write_table(pa.table({"x": [1.5, 2.5] * 50, "click": [0, 1] * 50}), files / "b.parquet")
    dataset = dataset_of(
        folder,
        source={"uri": files.as_uri(), "format": "parquet"},
        features=[{"name": "x", "type": "Categorical"}],
        user=None,
        time=None,
        split={"strategy": "Random"},
    )
    with pytest.raises(InvalidData, match=r"b\.parquet, column x: is double here and int64 in a\.parquet"):
        prepare_dataset(dataset, FileStore.at(folder / "store"), encoder_of(threads))


def test_a_generated_source_is_rejected(folder: Path, threads: Client) -> None:
    dataset = dataset_of(
        folder,
        source={"uri": "builtin://synthetic"},
        features=[{"name": "item_id", "type": "Categorical"}],
        user="user_id",
        time="timestamp",
    )
    with pytest.raises(InvalidData, match="leave --scheduler out"):
        prepare_dataset(dataset, FileStore.at(folder / "store"), DaskEncoder(threads))


def test_a_scheduler_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_encoding, "CONNECT_TIMEOUT_SECONDS", 0.2)
    with pytest.raises(InvalidData, match=r"--scheduler: no Dask scheduler responds at 'tcp://127\.0\.0\.1:1'"):
        connect("tcp://127.0.0.1:1")


def test_a_scheduler_without_workers_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_encoding, "CONNECT_TIMEOUT_SECONDS", 0.2)
    local = LocalCluster(n_workers=0, processes=False, protocol="tcp", **CONFIG)
    with local, pytest.raises(InvalidData, match="has no workers; start some: dask worker tcp://"):
        connect(local.scheduler_address)


@pytest.mark.parametrize(
    ("installed", "message"),
    [
        ("0.0.9", "the worker tcp://w has ctrlab 0.0.9; all need version 0.1.0"),
        (ModuleNotFoundError("ctrlab"), "the worker tcp://w does not have ctrlab; all need version 0.1.0"),
    ],
)
def test_a_worker_with_another_version_is_rejected(installed: str | Exception, message: str) -> None:
    dask_encoding._require_version("0.1.0", {"tcp://v": "0.1.0"})
    with pytest.raises(InvalidData, match=message):
        dask_encoding._require_version("0.1.0", {"tcp://v": "0.1.0", "tcp://w": installed})


def insert_line(folder: Path, line: bytes) -> None:
    """Insert a line before the rows of the second file."""
    path = folder / "rows" / "part-1.csv.gz"
    header, _, rows = gzip.decompress(path.read_bytes()).partition(b"\n")
    path.write_bytes(gzip.compress(b"\n".join([header, line, rows])))
