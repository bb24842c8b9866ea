"""A copy on this machine of a source that lies in a bucket: an object, or every object below a prefix.

Objects that were fetched before and have not changed since (by their ETag) are not fetched again, and each one is kept
as soon as it is complete, so that a break costs the object in hand and no more.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ctrlab_api.errors import InvalidData
from ctrlab_store.atomic_files import staged_file, write_atomically
from ctrlab_trainer.data.sources.builtin_datasets import cache_folder

if TYPE_CHECKING:
    from ctrlab_store.s3_store import S3Store

BLOCK_BYTES: Final = 8 << 20
VERSIONS: Final = ".versions.json"
"""In the folder of a source: key -> ETag and size of the object that is there."""


def download_s3(uri: str, field: str) -> Path:
    """The file for `s3://bucket/key`, or the folder with every object below that prefix.

    `field` is the path in the specification that errors name. Raises InvalidData where nothing is there, the bucket
    denies, or an object changes or vanishes in the meantime.
    """
    from ctrlab_store.s3_store import S3Store  # boto3 takes a third of a second to import

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    key = key.rstrip("/")
    target = cache_folder() / "s3" / hashlib.sha256(uri.encode()).hexdigest()[:16]
    target.mkdir(parents=True, exist_ok=True)
    with _failures(uri, field):
        store = S3Store.of(bucket)
        wanted = _listed(store, bucket, key)
    if not wanted:
        raise InvalidData.at(field, f"{uri} does not exist: there is no such object and none below it")
    have = _versions(target)
    for name, version in wanted.items():
        if have.get(name) == version and (target / name).is_file():
            continue
        with _failures(f"s3://{bucket}/{name}", field):
            _fetch(store, bucket, name, version["etag"], target / name)
        have[name] = version
        write_atomically(target / VERSIONS, json.dumps(have).encode())
    for path in [path for path in target.rglob("*") if path.is_file() and path.name != VERSIONS]:
        if path.relative_to(target).as_posix() not in wanted:
            path.unlink(missing_ok=True)
    return target / key


def _listed(store: "S3Store", bucket: str, key: str) -> dict[str, dict[str, str]]:
    """Objects that are `key` or below it -> what tells their content apart; folders' placeholders are left out."""
    pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    objects = [found for page in pages for found in page.get("Contents", [])]
    return {
        found["Key"]: {"etag": found["ETag"], "bytes": str(found["Size"])}
        for found in objects
        if (found["Key"] == key or not key or found["Key"].startswith(f"{key}/")) and not found["Key"].endswith("/")
    }


def _fetch(store: "S3Store", bucket: str, key: str, etag: str, path: Path) -> None:
    body = store.client.get_object(Bucket=bucket, Key=key, IfMatch=etag)["Body"]
    with staged_file(path) as (file, temporary):
        shutil.copyfileobj(body, file, BLOCK_BYTES)
        file.flush()
        os.replace(temporary, path)


def _versions(folder: Path) -> dict[str, dict[str, str]]:
    try:
        found = json.loads((folder / VERSIONS).read_bytes())
    except (OSError, ValueError):
        return {}
    return dict(found)


@contextmanager
def _failures(uri: str, field: str) -> Iterator[None]:
    """Errors of the bucket as InvalidData that says what to do."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        advice = {
            "AccessDenied": "the bucket denies: check AWS_ACCESS_KEY_ID and what its owner may read",
            "403": "the bucket denies: check AWS_ACCESS_KEY_ID and what its owner may read",
            "InvalidAccessKeyId": "the server does not know AWS_ACCESS_KEY_ID",
            "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID",
            "NoSuchBucket": "there is no such bucket",
            "NoSuchKey": "the object vanished after it was listed; what came before it is kept: run again",
            "404": "the object vanished after it was listed; what came before it is kept: run again",
            "PreconditionFailed": "the object changed after it was listed; run again when nobody writes to it",
            "412": "the object changed after it was listed; run again when nobody writes to it",
        }.get(code, str(error))
        raise InvalidData.at(field, f"{uri} cannot be read: {advice}") from error
    except (BotoCoreError, Boto3Error, OSError) as error:
        raise InvalidData.at(field, f"{uri} cannot be read: {error}; what was fetched is kept") from error
