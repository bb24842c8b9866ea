"""The guarantees of the store, in a folder and on a real S3 server."""

import os
import threading
from pathlib import Path
from typing import IO

import pytest

from ctrlab_api.errors import InvalidInput
from ctrlab_store import FileStore, ObjectExists, ObjectNotFound, Store, StoreError, open_store, s3_store


def test_an_object_is_read_as_it_was_written(store: Store) -> None:
    store.put("runs/SIN/2024/0/record.json", b"{}")
    assert store.get("runs/SIN/2024/0/record.json") == b"{}"
    assert store.exists("runs/SIN/2024/0/record.json")
    assert not store.exists("runs/SIN/2024/0")


def test_writing_again_succeeds_only_with_the_same_content(store: Store) -> None:
    store.put("plan.json", b"one")
    store.put("plan.json", b"one")
    with pytest.raises(ObjectExists, match=r"plan\.json"):
        store.put("plan.json", b"two")
    assert store.get("plan.json") == b"one"


def test_exactly_one_of_many_writers_wins(store: Store) -> None:
    winners: list[int] = []

    def write(number: int) -> None:
        try:
            store.put("contested", str(number).encode())
            winners.append(number)
        except ObjectExists:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert winners == [int(store.get("contested"))]


def test_a_pointer_can_be_replaced(store: Store) -> None:
    store.replace("LATEST", b"first")
    store.replace("LATEST", b"second")
    assert store.get("LATEST") == b"second"


def test_a_missing_object_is_reported_with_its_store(store: Store) -> None:
    with pytest.raises(ObjectNotFound, match=r"prepared\.json") as caught:
        store.get("prepared.json")
    assert store.uri in str(caught.value)


def test_keys_are_listed_sorted_below_a_prefix(store: Store) -> None:
    for key in ("b/2", "b/1", "bc", "a"):
        store.put(key, b"")
    assert store.list("") == ["a", "b/1", "b/2", "bc"]
    assert store.list("b/") == ["b/1", "b/2"]
    assert store.list("nothing/") == []


def test_a_store_below_a_prefix_sees_only_that_prefix(store: Store) -> None:
    store.put("default/run/uid/plan.json", b"plan")
    inner = store.below("default/run/uid")
    assert inner.list("") == ["plan.json"]
    assert open_store(inner.uri).get("plan.json") == b"plan"


def test_a_folder_is_stored_and_read_as_a_whole(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "encoded"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "labels.npy").write_bytes(b"01")
    (folder / "schema.json").write_bytes(b"{}")
    store.put_folder("datasets/abc/", folder)
    store.put_folder("datasets/abc/", folder)
    assert store.list("datasets/abc/") == ["datasets/abc/schema.json", "datasets/abc/train/labels.npy"]
    local = store.local_folder("datasets/abc/")
    assert (local / "train" / "labels.npy").read_bytes() == b"01"
    assert store.local_folder("datasets/abc/") == local

    (folder / "schema.json").write_bytes(b"other")
    with pytest.raises(ObjectExists):
        store.put_folder("datasets/abc/", folder)


def test_a_folder_that_was_never_stored_is_not_found(store: Store) -> None:
    with pytest.raises(ObjectNotFound):
        store.local_folder("datasets/unknown/")


@pytest.mark.parametrize("key", ["../plan.json", "/plan.json", "a//b", "a/./b", ""])
def test_keys_outside_the_store_are_rejected(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        store.put(key, b"")


def test_a_missing_bucket_is_one_message(store: Store) -> None:
    if isinstance(store, FileStore):
        missing = open_store("file:///proc/no-such-folder")
    else:
        missing = open_store("s3://no-such-bucket")
    with pytest.raises(StoreError, match=r"no-such"):
        missing.put("plan.json", b"")


def test_unfinished_files_are_neither_listed_nor_read(tmp_path: Path) -> None:
    store = FileStore.at(tmp_path)
    store.put("a/1", b"")
    (tmp_path / "a" / ".writing-x").write_bytes(b"partial")
    assert store.list("a/") == ["a/1"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_message_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore.at(tmp_path)

    def open_full_device(descriptor: int, mode: str) -> IO[bytes]:
        os.close(descriptor)
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(os, "fdopen", open_full_device)
    with pytest.raises(StoreError, match="No space left on device"):
        store.put("plan.json", b"content")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["ftp://host/x", "file://host/x", "store", "s3://"])
def test_other_uris_are_rejected_with_the_allowed_ones(uri: str) -> None:
    with pytest.raises(InvalidInput, match=r"allowed are file:///folder and s3://bucket/prefix"):
        open_store(uri)


def test_an_object_that_is_uploaded_in_parts_is_also_written_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_store, "MAX_SINGLE_UPLOAD_BYTES", 2**20)
    large = b"\0\1\2\3" * (3 * 2**20)
    store.put("checkpoint", large)
    store.put("checkpoint", large)
    with pytest.raises(ObjectExists, match="checkpoint"):
        store.put("checkpoint", large + b"x")
    assert store.get("checkpoint") == large
    store.replace("checkpoint", large[4:])
    assert store.get("checkpoint") == large[4:]
