"""A prober that closes its connection before the answer leaves no traceback in the logs; a real error does."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from ctrlab_operator.process.probe_server import HealthCheck, ProbeServer


@contextmanager
def served(check: HealthCheck) -> Iterator[socket.socket]:
    """A connection that asked for /healthz and has no answer yet."""
    server = ProbeServer(0, CollectorRegistry(), alive=check, ready=check)
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            yield connection
    finally:
        server.stop()


def test_a_closed_connection_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    asked, closed = threading.Event(), threading.Event()
    answering: list[threading.Thread] = []

    def slow() -> None:
        answering.append(threading.current_thread())
        asked.set()
        closed.wait()

    with served(slow) as connection:
        asked.wait()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        closed.set()
        answering[0].join()
    assert capsys.readouterr().err == ""


def test_an_error_of_the_check_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise RuntimeError("a check that cannot be made")

    with served(broken) as connection:
        assert connection.recv(1) == b""
    assert "a check that cannot be made" in capsys.readouterr().err
