"""Real servers for tests, from wheels: a PostgreSQL and an S3 server that live as long as the test session."""

from collections.abc import Callable, Iterator

import pytest
from rig.servers import postgres_server, s3_server


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
