"""A new cluster for each test, with the real PostgreSQL and S3 servers of the session.

With CTRLAB_TEST_KUBECONFIG the same tests use that real API server, each in a new namespace that enforces Pod Security
`restricted`; it needs controller manager, scheduler and the CRDs, but no node.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_cluster.cluster import Cluster
from fake_cluster.fork_server import ForkServer
from local_servers.tcp_proxy import TcpProxy, to_unix_socket
from sqlalchemy import make_url

FAKE_WORKER = Path(__file__).parents[1] / "fake_worker.py"


@pytest.fixture
def database_port(postgres: Callable[[], str]) -> Iterator[tuple[TcpProxy, str]]:
    """A proxy in front of the database server, which can be cut, and the URL of an empty database behind it."""
    url = make_url(postgres())
    proxy = TcpProxy(to_unix_socket(f"{url.query['host']}/.s.PGSQL.5432"))
    yield proxy, f"postgresql+psycopg://postgres:any@127.0.0.1:{proxy.port}/{url.database}"
    proxy.close()


@pytest.fixture(scope="session")
def fake_worker() -> Iterator[ForkServer]:
    """Starts fake workers."""
    server = ForkServer(FAKE_WORKER)
    yield server
    server.stop()


@pytest.fixture
def cluster(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    s3_endpoint: str,
    database_port: tuple[TcpProxy, str],
    fake_worker: ForkServer,
) -> Iterator[Cluster]:
    """A cluster with Secrets and without an operator; fake workers train nothing."""
    kubeconfig = os.environ.get("CTRLAB_TEST_KUBECONFIG")
    if kubeconfig and request.node.get_closest_marker("fake_server"):
        pytest.skip("needs the fake server, which can inject faults")
    cluster = Cluster(
        tmp_path,
        f"s3://tests/cluster-{uuid.uuid4().hex[:8]}",
        s3_endpoint,
        database_port[1],
        commands=dict.fromkeys(("ctrlab_trainer", "ctrlab_report"), fake_worker),
        environment={"FAKE_JOURNAL": str(tmp_path / "journal"), "FAKE_PAUSE": "0.1"},
        kubeconfig=Path(kubeconfig) if kubeconfig else None,
        namespace=f"ctrlab-test-{uuid.uuid4().hex[:8]}",
    )
    cluster.start()
    cluster.add_secrets()
    yield cluster
    cluster.stop()
