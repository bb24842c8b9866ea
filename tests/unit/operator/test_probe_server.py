"""A prober that closes its connection early causes no traceback in the logs; an error of the check does."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from ctrlab_operator.process.probe_server import HealthCheck, ProbeServer


@contextmanager
def requested(check: HealthCheck) -> Iterator[socket.socket]:
    """Open a connection that has requested /healthz and has no response yet."""
    server = ProbeServer(0, CollectorRegistry(), alive=check, ready=check)
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            yield connection
    finally:
        server.stop()


def test_a_closed_connection_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    is_checking, is_closed = threading.Event(), threading.Event()
    handler_threads: list[threading.Thread] = []

    def slow() -> None:
        handler_threads.append(threading.current_thread())
        is_checking.set()
        is_closed.wait()

    with requested(slow) as connection:
        is_checking.wait()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        is_closed.set()
        handler_threads[0].join()
    assert capsys.readouterr().err == ""


def test_an_error_of_the_check_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise RuntimeError("the check is broken")

    with requested(broken) as connection:
        assert connection.recv(1) == b""
    assert "the check is broken" in capsys.readouterr().err
