"""The artifact store in an S3 bucket, AWS or any server that speaks its protocol.

Objects are written once through `If-None-Match: *` where the server supports it. Some servers refuse that header and
some ignore it, so every write reads first and compares with an existing object. On such a server another writer can
only interfere between the read and the write.
"""

import hashlib
import io
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ctrlab_api.outage_waiting import DENIED_SECONDS
from ctrlab_store.local_cache import cache_folder
from ctrlab_store.protocol import (
    ObjectExists,
    ObjectNotFound,
    StoreError,
    StoreUnavailable,
    file_sizes,
    validate_key,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COMPLETE_MARKER = ".complete"
"""Object written last into an uploaded folder: names and sizes of its files; a folder without it does not exist."""

NOT_FOUND_CODES = frozenset({"NoSuchKey", "404", "NotFound"})
DENIED_CODES = frozenset({"AccessDenied", "403", "Forbidden"})
REJECTED_CREDENTIAL_CODES = DENIED_CODES | {
    "401",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "Unauthorized",
}
"""Codes while credentials are rotated."""
PRECONDITION_FAILED_CODES = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
CONDITION_UNSUPPORTED_CODES = frozenset({"NotImplemented", "501"})

DEFAULT_ATTEMPTS = "4"
"""Attempts of one request; `WaitingStore` repeats the request during a longer outage, and logs that it waits."""

CONNECT_TIMEOUT_SECONDS = 10
"""Limit of each attempt; without it, an attempt to reach a server that does not respond takes a minute."""

MAX_SINGLE_UPLOAD_BYTES = 2**30
"""Larger objects are uploaded in parts, which boto3 cannot make conditional; S3 accepts 5 GiB in one request."""

SESSION_LOCK = Lock()
"""A boto3 session is not thread-safe."""


@dataclass(frozen=True)
class S3Store:
    """Objects of a bucket whose keys start with `prefix`."""

    client: "S3Client"
    bucket: str
    prefix: str
    """Empty, or ends in `/`."""

    @classmethod
    def connect(cls, bucket: str, prefix: str = "", environment: Mapping[str, str] = os.environ) -> "S3Store":
        """Return the store in a bucket; `environment` has its region, endpoint, credentials and CA."""
        endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
        region = (
            environment.get("AWS_REGION")
            or environment.get("AWS_DEFAULT_REGION")
            or ("us-east-1" if endpoint else None)
        )
        client = _cached_client(
            endpoint,
            region,
            environment.get("AWS_ACCESS_KEY_ID"),
            environment.get("AWS_SECRET_ACCESS_KEY"),
            environment.get("AWS_SESSION_TOKEN"),
            environment.get("AWS_CA_BUNDLE"),
            int(environment.get("AWS_MAX_ATTEMPTS", DEFAULT_ATTEMPTS)),
        )
        return cls(client, bucket, f"{prefix}/" if prefix else "")

    @property
    def uri(self) -> str:
        """`s3://` followed by bucket and prefix."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        with self._as_store_errors(key):
            return self._read(key)

    def put(self, key: str, data: bytes) -> None:
        """See `Store.put`."""
        with self._as_store_errors(key):
            if self._exists_with(key, data):
                return
            if len(data) > MAX_SINGLE_UPLOAD_BYTES:
                self._write(key, data)
                return
            try:
                self.client.put_object(Bucket=self.bucket, Key=self._key(key), Body=data, IfNoneMatch="*")
            except ClientError as error:
                if _code(error) in CONDITION_UNSUPPORTED_CODES:
                    self._write(key, data)
                elif _code(error) not in PRECONDITION_FAILED_CODES or not self._exists_with(key, data):
                    raise

    def replace(self, key: str, data: bytes) -> None:
        """See `Store.replace`."""
        with self._as_store_errors(key):
            self._write(key, data)

    def exists(self, key: str) -> bool:
        """See `Store.exists`; lists the key if reading is denied, as for sealed rows."""
        with self._as_store_errors(key):
            try:
                self.client.head_object(Bucket=self.bucket, Key=self._key(key))
            except ClientError as error:
                if _code(error) in NOT_FOUND_CODES:
                    return False
                if _code(error) in DENIED_CODES:
                    return self._listed_size(key) is not None
                raise
            return True

    def list(self, prefix: str) -> list[str]:
        """See `Store.list`."""
        return sorted(key for key in self._sizes(prefix) if key.rpartition("/")[2] != COMPLETE_MARKER)

    def put_folder(self, prefix: str, folder: Path) -> None:
        """See `Store.put_folder`: files first (large ones in parts), the completion marker last."""
        base, files = validate_key(prefix, folder=True), file_sizes(folder)
        with self._as_store_errors(prefix):
            present = self._sizes(f"{base}/")
            for name, size in files.items():
                if present.get(f"{base}/{name}") != size:
                    self.client.upload_file(str(folder / name), self.bucket, self._key(f"{base}/{name}"))
        self.put(f"{base}/{COMPLETE_MARKER}", json.dumps(files, sort_keys=True).encode())

    def local_folder(self, prefix: str) -> Path:
        """See `Store.local_folder`: downloaded once into `$CTRLAB_CACHE` (default `~/.cache/ctrlab`)."""
        base = validate_key(prefix, folder=True)
        files: dict[str, int] = json.loads(self.get(f"{base}/{COMPLETE_MARKER}"))
        target = cache_folder() / hashlib.sha256(self.uri.encode()).hexdigest()[:16] / base
        with self._as_store_errors(prefix):
            if target.is_dir():
                return target
            target.parent.mkdir(parents=True, exist_ok=True)
            staged = Path(tempfile.mkdtemp(prefix=".downloading-", dir=target.parent))
            try:
                for name in files:
                    (staged / name).parent.mkdir(parents=True, exist_ok=True)
                    self.client.download_file(self.bucket, self._key(f"{base}/{name}"), str(staged / name))
                if file_sizes(staged) != files:
                    raise StoreError(f"{self.uri}: the files of {prefix!r} differ from its marker {COMPLETE_MARKER}")
                os.rename(staged, target)
            except OSError:
                if not target.is_dir():  # otherwise another process of this machine was faster
                    raise
            finally:
                shutil.rmtree(staged, ignore_errors=True)
        return target

    def below(self, prefix: str) -> "S3Store":
        """See `Store.below`."""
        return S3Store(self.client, self.bucket, f"{self.prefix}{validate_key(prefix, folder=True)}/")

    def _key(self, key: str) -> str:
        return self.prefix + validate_key(key)

    def _write(self, key: str, data: bytes) -> None:
        """Write an object unconditionally, in parts if it is large."""
        if len(data) > MAX_SINGLE_UPLOAD_BYTES:
            self.client.upload_fileobj(io.BytesIO(data), self.bucket, self._key(key))
        else:
            self.client.put_object(Bucket=self.bucket, Key=self._key(key), Body=data)

    def _read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=self._key(key))["Body"].read()

    def _listed_size(self, key: str) -> int | None:
        """Return the size in bytes without reading the object; None if it is absent.

        An object is listed first among the keys that start with its own key.
        """
        objects = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self._key(key), MaxKeys=1).get("Contents", [])
        return objects[0]["Size"] if objects and objects[0]["Key"] == self._key(key) else None

    def _exists_with(self, key: str, data: bytes) -> bool:
        """Return whether the object exists with this content; ObjectExists if it has other content.

        An object that may not be read is compared by its size.
        """
        try:
            is_same = self._read(key) == data
        except ClientError as error:
            if _code(error) in NOT_FOUND_CODES:
                return False
            if _code(error) not in DENIED_CODES:
                raise
            size = self._listed_size(key)
            if size is None:
                return False
            is_same = size == len(data)
        if not is_same:
            raise ObjectExists(self.uri, key)
        return True

    def _sizes(self, prefix: str) -> dict[str, int]:
        with self._as_store_errors(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
            return {
                item["Key"].removeprefix(self.prefix): item["Size"]
                for page in pages
                for item in page.get("Contents", [])
            }

    @contextmanager
    def _as_store_errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if _code(error) in NOT_FOUND_CODES:
                raise ObjectNotFound(self.uri, key) from None
            longest_wait = DENIED_SECONDS if _code(error) in REJECTED_CREDENTIAL_CODES else math.inf
            raise StoreUnavailable(f"{self.uri}: {key!r}: {error}", longest_wait=longest_wait) from error
        except (BotoCoreError, boto3.exceptions.Boto3Error, OSError) as error:
            raise StoreUnavailable(f"{self.uri}: {key!r}: {error}") from error


@lru_cache(maxsize=256)
def _cached_client(
    endpoint: str | None,
    region: str | None,
    key: str | None,
    secret: str | None,
    token: str | None,
    authority: str | None,
    attempts: int,
) -> "S3Client":
    """Return one client per server and owner, because an operator opens hundreds of stores. Clients are thread-safe."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        # Only AWS resolves bucket names as hosts, and only AWS is known to support the newer checksum headers.
        s3={"addressing_style": "path" if endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with SESSION_LOCK:
        return _session().client(
            "s3",
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=config,
            verify=authority or None,
        )


@cache
def _session() -> boto3.session.Session:
    """Return one session for all clients: the parsed service description takes 12 MiB, a client 0.3 MiB."""
    return boto3.session.Session()


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
