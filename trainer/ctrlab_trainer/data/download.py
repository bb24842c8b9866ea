"""A copy on this machine of a source that lies in a bucket, made anew whenever a data set is prepared."""

import hashlib
import os
import tempfile
from pathlib import Path

from ctrlab_contract.errors import InvalidData
from ctrlab_contract.store import StoreError, open_store
from ctrlab_trainer.data.known import cache_folder


def downloaded(uri: str, field: str) -> Path:
    """The file for `s3://bucket/key`, or the folder with every object below that prefix.

    `field` is the path in the specification that errors name. Raises InvalidData where nothing is there or the bucket
    denies.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    key = key.rstrip("/")
    target = cache_folder() / "s3" / hashlib.sha256(uri.encode()).hexdigest()[:16]
    try:
        store = open_store(f"s3://{bucket}")
        keys = [found for found in store.list(key) if found == key or not key or found.startswith(f"{key}/")]
        if not keys:
            raise InvalidData.at(field, f"{uri} does not exist: there is no such object and none below it")
        for found in keys:
            _write(target / found, store.get(found))
    except StoreError as error:
        raise InvalidData.at(field, f"{uri} cannot be read: {error}") from error
    return target / key


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(temporary, path)
