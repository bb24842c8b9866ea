"""A fresh cluster for each test, before the real PostgreSQL and S3 servers of the session.

With CTRLAB_TEST_KUBECONFIG the same stories run on that real API server, in a namespace of their own that enforces Pod
Security `restricted`; it needs controller manager, scheduler and our CRDs, but no node.
"""

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_cluster.cluster import Cluster
from local_servers.tcp_proxy import TcpProxy, to_unix_socket
from sqlalchemy import make_url

STAND_IN = Path(__file__).parents[1] / "fake_worker.py"


@pytest.fixture
def database_port(postgres: Callable[[], str]) -> Iterator[tuple[TcpProxy, str]]:
    """A TCP port in front of the database server, which can be cut, and the URL of an empty database behind it."""
    url = make_url(postgres())
    proxy = TcpProxy(to_unix_socket(f"{url.query['host']}/.s.PGSQL.5432"))
    yield proxy, f"postgresql+psycopg://postgres:any@127.0.0.1:{proxy.port}/{url.database}"
    proxy.close()


@pytest.fixture
def cluster(
    request: pytest.FixtureRequest, tmp_path: Path, s3_endpoint: str, database_port: tuple[TcpProxy, str]
) -> Iterator[Cluster]:
    """With Secrets, without an operator; workers are stand-ins that train nothing."""
    real = os.environ.get("CTRLAB_TEST_KUBECONFIG")
    if real and request.node.get_closest_marker("fake_server"):
        pytest.skip("needs a server that can be told to misbehave")
    made = Cluster(
        tmp_path,
        f"s3://tests/cluster-{uuid.uuid4().hex[:8]}",
        s3_endpoint,
        database_port[1],
        commands={module: (sys.executable, str(STAND_IN)) for module in ("ctrlab_trainer", "ctrlab_report")},
        environment={"FAKE_JOURNAL": str(tmp_path / "journal"), "FAKE_PAUSE": "0.1"},
        kubeconfig=Path(real) if real else None,
        namespace=f"ctrlab-test-{uuid.uuid4().hex[:8]}",
    )
    made.start()
    made.add_secrets()
    yield made
    made.stop()
