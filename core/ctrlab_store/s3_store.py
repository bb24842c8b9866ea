"""The artifact store in an S3 bucket, AWS or any server that speaks its protocol.

Write-once rests on `If-None-Match: *` where the server knows it. Some servers refuse that header and some ignore it, so
every write looks first, and compares when the object is there; what is left on such a server is the instant between.
"""

import hashlib
import io
import json
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

from ctrlab_api.names import Variable
from ctrlab_store.protocol import ObjectExists, ObjectNotFound, StoreError, file_sizes, validate_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COMPLETE = ".complete"
"""Written last into an uploaded folder: names and sizes of its files; a folder without it is not there."""

ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
DENIED = frozenset({"AccessDenied", "403", "Forbidden"})
CONDITION_FAILED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
CONDITION_UNKNOWN = frozenset({"NotImplemented", "501"})

CONNECT_SECONDS = 10
"""Of each attempt; a server that does not answer at all would otherwise take a minute each time."""

BIG = 2**30
"""Bytes above which an object goes up in parts, which boto3 cannot make conditional; S3 takes 5 GiB in one."""

MAKING_CLIENTS = Lock()
"""A session is for one thread at a time."""


@dataclass(frozen=True)
class S3Store:
    """Objects of a bucket whose keys start with `prefix`."""

    client: "S3Client"
    bucket: str
    prefix: str
    """Empty, or ending in `/`."""

    @classmethod
    def of(cls, bucket: str, prefix: str = "", environment: Mapping[str, str] = os.environ) -> "S3Store":
        """The store in that bucket, with what `environment` says of region, endpoint, credentials and CA."""
        endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
        region = (
            environment.get("AWS_REGION")
            or environment.get("AWS_DEFAULT_REGION")
            or ("us-east-1" if endpoint else None)
        )
        client = _client(
            endpoint,
            region,
            environment.get("AWS_ACCESS_KEY_ID"),
            environment.get("AWS_SECRET_ACCESS_KEY"),
            environment.get("AWS_SESSION_TOKEN"),
            environment.get("AWS_CA_BUNDLE"),
            int(environment.get("AWS_MAX_ATTEMPTS", "8")),
        )
        return cls(client, bucket, f"{prefix}/" if prefix else "")

    @property
    def uri(self) -> str:
        """`s3://`, bucket and prefix."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        with self._failures(key):
            return self._read(key)

    def put(self, key: str, data: bytes) -> None:
        """See `Store.put`."""
        with self._failures(key):
            if self._same(key, data):
                return
            if len(data) > BIG:
                self._write(key, data)
                return
            try:
                self.client.put_object(Bucket=self.bucket, Key=self._key(key), Body=data, IfNoneMatch="*")
            except ClientError as error:
                if _code(error) in CONDITION_UNKNOWN:
                    self._write(key, data)
                elif _code(error) not in CONDITION_FAILED or not self._same(key, data):
                    raise

    def replace(self, key: str, data: bytes) -> None:
        """See `Store.replace`."""
        with self._failures(key):
            self._write(key, data)

    def exists(self, key: str) -> bool:
        """See `Store.exists`; where reading is denied, as of the sealed rows, a list tells."""
        with self._failures(key):
            try:
                self.client.head_object(Bucket=self.bucket, Key=self._key(key))
            except ClientError as error:
                if _code(error) in ABSENT:
                    return False
                if _code(error) in DENIED:
                    return self._listed_size(key) is not None
                raise
            return True

    def list(self, prefix: str) -> list[str]:
        """See `Store.list`."""
        return sorted(key for key in self._sizes(prefix) if key.rpartition("/")[2] != COMPLETE)

    def put_folder(self, prefix: str, folder: Path) -> None:
        """See `Store.put_folder`: files first (in parts where they are big), the marker of completeness last."""
        base, files = validate_key(prefix, folder=True), file_sizes(folder)
        with self._failures(prefix):
            present = self._sizes(f"{base}/")
            for name, size in files.items():
                if present.get(f"{base}/{name}") != size:
                    self.client.upload_file(str(folder / name), self.bucket, self._key(f"{base}/{name}"))
        self.put(f"{base}/{COMPLETE}", json.dumps(files, sort_keys=True).encode())

    def local_folder(self, prefix: str) -> Path:
        """See `Store.local_folder`: downloaded once into `$CTRLAB_CACHE` (default `~/.cache/ctrlab`)."""
        base = validate_key(prefix, folder=True)
        files: dict[str, int] = json.loads(self.get(f"{base}/{COMPLETE}"))
        target = _cache() / hashlib.sha256(self.uri.encode()).hexdigest()[:16] / base
        with self._failures(prefix):
            if target.is_dir():
                return target
            target.parent.mkdir(parents=True, exist_ok=True)
            staged = Path(tempfile.mkdtemp(prefix=".downloading-", dir=target.parent))
            try:
                for name in files:
                    (staged / name).parent.mkdir(parents=True, exist_ok=True)
                    self.client.download_file(self.bucket, self._key(f"{base}/{name}"), str(staged / name))
                if file_sizes(staged) != files:
                    raise StoreError(f"{self.uri}: {prefix!r} holds other files than its marker {COMPLETE} lists")
                os.rename(staged, target)
            except OSError:
                if not target.is_dir():  # else another process of this machine was faster
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
        """Whatever is there; in parts where it is big."""
        if len(data) > BIG:
            self.client.upload_fileobj(io.BytesIO(data), self.bucket, self._key(key))
        else:
            self.client.put_object(Bucket=self.bucket, Key=self._key(key), Body=data)

    def _read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=self._key(key))["Body"].read()

    def _listed_size(self, key: str) -> int | None:
        """Bytes of the object, without reading it, or None: it comes first among the keys that begin like its own."""
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self._key(key), MaxKeys=1).get("Contents", [])
        return found[0]["Size"] if found and found[0]["Key"] == self._key(key) else None

    def _same(self, key: str, data: bytes) -> bool:
        """Whether the object is there with this content; ObjectExists if it has another one.

        What may not be read is compared by its size.
        """
        try:
            same = self._read(key) == data
        except ClientError as error:
            if _code(error) in ABSENT:
                return False
            if _code(error) not in DENIED:
                raise
            size = self._listed_size(key)
            if size is None:
                return False
            same = size == len(data)
        if not same:
            raise ObjectExists(self.uri, key)
        return True

    def _sizes(self, prefix: str) -> dict[str, int]:
        with self._failures(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
            return {
                found["Key"].removeprefix(self.prefix): found["Size"]
                for page in pages
                for found in page.get("Contents", [])
            }

    @contextmanager
    def _failures(self, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if _code(error) in ABSENT:
                raise ObjectNotFound(self.uri, key) from None
            raise StoreError(f"{self.uri}: {key!r}: {error}") from error
        except (BotoCoreError, boto3.exceptions.Boto3Error, OSError) as error:
            raise StoreError(f"{self.uri}: {key!r}: {error}") from error


@lru_cache(maxsize=256)
def _client(
    endpoint: str | None,
    region: str | None,
    key: str | None,
    secret: str | None,
    token: str | None,
    authority: str | None,
    attempts: int,
) -> "S3Client":
    """One for each server and owner: an operator opens the stores of hundreds of experiments. Safe for threads."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=CONNECT_SECONDS,
        # Only AWS resolves bucket names as hosts, and only AWS is sure to know the newer checksum headers.
        s3={"addressing_style": "path" if endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with MAKING_CLIENTS:
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
    """It holds the parsed description of the service, 12 MiB; a client of its own takes 0.3."""
    return boto3.session.Session()


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _cache() -> Path:
    return Path(os.environ.get(Variable.CACHE) or Path.home() / ".cache" / "ctrlab")
