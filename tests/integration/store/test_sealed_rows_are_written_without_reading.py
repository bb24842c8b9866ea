"""Credentials that may write and list the sealed rows but not read them, on a real S3 server that enforces this."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from local_servers.backing_servers import s3_server

from ctrlab_store import ObjectExists, Store, StoreError, open_store

SEALED = "sealed/abc/test/"


def _identity(name: str, *actions: str) -> Mapping[str, object]:
    return {"name": name, "credentials": [{"accessKey": name, "secretKey": name}], "actions": list(actions)}


IDENTITIES = (
    _identity("any", "Admin", "Read", "Write", "List"),
    _identity("ordinary", "Write:tests", "List:tests", "Read:tests/root/datasets/*"),
    _identity("opener", "Read:tests", "List:tests"),
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server(IDENTITIES) as url:
        yield url


def store_as(name: str, endpoint: str) -> Store:
    environment = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": name}
    return open_store("s3://tests/root", environment)


def test_unreadable_rows_can_be_stored_listed_and_stored_again(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTRLAB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "test"
    folder.mkdir()
    (folder / "labels.npy").write_bytes(b"0101")
    ordinary, opener = store_as("ordinary", endpoint), store_as("opener", endpoint)

    assert not ordinary.exists(f"{SEALED}labels.npy")
    ordinary.put_folder(SEALED, folder)
    ordinary.put_folder(SEALED, folder)
    assert ordinary.exists(f"{SEALED}labels.npy")
    with pytest.raises(StoreError, match="AccessDenied"):
        ordinary.get(f"{SEALED}labels.npy")
    with pytest.raises(StoreError, match="AccessDenied"):
        ordinary.local_folder(SEALED)
    assert (opener.local_folder(SEALED) / "labels.npy").read_bytes() == b"0101"
    with pytest.raises(ObjectExists):
        ordinary.put(f"{SEALED}labels.npy", b"another length")
