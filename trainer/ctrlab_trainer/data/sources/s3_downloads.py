"""Download of `s3://` sources into the cache: one object, or every object below a prefix.

Objects in the cache whose ETag has not changed are not downloaded again. Each object is kept as soon as it is complete,
so an interruption costs only the object being downloaded.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ctrlab_api.errors import InvalidData, ServiceUnavailable
from ctrlab_api.outage_waiting import DENIED_SECONDS
from ctrlab_store.atomic_files import staged_file, write_atomically
from ctrlab_trainer.data.sources.builtin_datasets import dataset_cache

if TYPE_CHECKING:
    from ctrlab_store.s3_store import S3Store

BLOCK_BYTES: Final = 8 << 20
VERSIONS: Final = ".versions.json"
"""File in the folder of a source: key -> ETag and size of the object in the cache."""


def download_s3(uri: str, field: str) -> Path:
    """Return the local file for `s3://bucket/key`, or the folder with every object below that prefix.

    `field` is the field of the specification for error messages. Raises InvalidData if there is no such object or
    bucket, or an object changes or disappears in the meantime; ServiceUnavailable if the server cannot be reached, is
    overloaded, or rejects the credentials, which may be rotated.
    """
    from ctrlab_store.s3_store import S3Store  # boto3 takes a third of a second to import

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    key = key.rstrip("/")
    target = dataset_cache() / "s3" / hashlib.sha256(uri.encode()).hexdigest()[:16]
    target.mkdir(parents=True, exist_ok=True)
    with _failures(uri, field):
        store = S3Store.connect(bucket)
        objects = _list_objects(store, bucket, key)
    if not objects:
        raise InvalidData.at(field, f"{uri} does not exist: there is no such object and none below it")
    cached = _read_versions(target)
    for name, version in objects.items():
        if cached.get(name) == version and _has_size(target / name, int(version["bytes"])):
            continue
        with _failures(f"s3://{bucket}/{name}", field):
            _download(store, bucket, name, version["etag"], target / name)
        cached[name] = version
        write_atomically(target / VERSIONS, json.dumps(cached).encode())
    for path in [path for path in target.rglob("*") if path.is_file() and path.name != VERSIONS]:
        if path.relative_to(target).as_posix() not in objects:
            path.unlink(missing_ok=True)
    return target / key


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _list_objects(store: "S3Store", bucket: str, key: str) -> dict[str, dict[str, str]]:
    """Return the object `key` or those below it -> ETag and size, without placeholders of folders."""
    pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    objects = [item for page in pages for item in page.get("Contents", [])]
    return {
        item["Key"]: {"etag": item["ETag"], "bytes": str(item["Size"])}
        for item in objects
        if (item["Key"] == key or not key or item["Key"].startswith(f"{key}/")) and not item["Key"].endswith("/")
    }


def _download(store: "S3Store", bucket: str, key: str, etag: str, path: Path) -> None:
    body = store.client.get_object(Bucket=bucket, Key=key, IfMatch=etag)["Body"]
    with staged_file(path) as (file, temporary):
        shutil.copyfileobj(body, file, BLOCK_BYTES)
        file.flush()
        os.replace(temporary, path)


def _read_versions(folder: Path) -> dict[str, dict[str, str]]:
    try:
        return dict(json.loads((folder / VERSIONS).read_bytes()))
    except (OSError, ValueError):
        return {}


@contextmanager
def _failures(uri: str, field: str) -> Iterator[None]:
    """Translate errors of the bucket to InvalidData or ServiceUnavailable, with a remedy."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    from ctrlab_store.s3_store import REJECTED_CREDENTIAL_CODES

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        denied = {
            "AccessDenied": "access denied: check AWS_ACCESS_KEY_ID and its permissions to read",
            "403": "access denied: check AWS_ACCESS_KEY_ID and its permissions to read",
            "InvalidAccessKeyId": "the server rejects AWS_ACCESS_KEY_ID as unknown",
            "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY does not match AWS_ACCESS_KEY_ID",
        }
        if code in REJECTED_CREDENTIAL_CODES:
            message = f"{field}: {uri} cannot be read: {denied.get(code, error)}"
            raise ServiceUnavailable(message, longest_wait=DENIED_SECONDS) from error
        advice = {
            "NoSuchBucket": "there is no such bucket",
            "NoSuchKey": "the object disappeared after it was listed; objects downloaded before it are kept: run again",
            "404": "the object disappeared after it was listed; objects downloaded before it are kept: run again",
            "PreconditionFailed": "the object changed after it was listed; run again when nothing writes to it",
            "412": "the object changed after it was listed; run again when nothing writes to it",
        }.get(code)
        if advice is None:
            raise ServiceUnavailable(f"{field}: {uri} cannot be read: {error}") from error
        raise InvalidData.at(field, f"{uri} cannot be read: {advice}") from error
    except (BotoCoreError, Boto3Error, OSError) as error:
        message = f"{field}: {uri} cannot be read: {error}; objects downloaded so far are kept"
        raise ServiceUnavailable(message) from error
