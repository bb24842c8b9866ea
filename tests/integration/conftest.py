"""Real servers for tests, from wheels: a PostgreSQL and an S3 server that live as long as the test session."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_servers.backing_servers import as_s3_client, postgres_server, s3_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Makes an empty database on a server of this session's own; returns its URL."""
    with postgres_server() as database:
        yield database


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The URL of an S3 server (SeaweedFS) that takes any credentials and has the bucket `tests`."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3_prefix(s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an empty prefix on that server; the environment leads to it."""
    for name, value in as_s3_client(s3_endpoint, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    return f"s3://tests/{uuid.uuid4().hex}"
