"""A TCP proxy in front of a server, which a test can cut to simulate a network failure."""

import contextlib
import socket
import threading
from collections.abc import Callable


class TcpProxy:
    """Forwards connections until it is cut; `restore` lets new ones through again."""

    def __init__(self, connect: Callable[[], socket.socket], host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen on the port; `connect` opens a connection to the server."""
        self._connect = connect
        self._listener = socket.create_server((host, port))
        self.port = int(self._listener.getsockname()[1])
        self._cut = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._cut.set()
        with self._lock:
            for end in self._open:
                _shut_down(end)

    def restore(self) -> None:
        """Accept connections again."""
        self._cut.clear()

    def close(self) -> None:
        """Cut the connections and close the port."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._cut.is_set():
                client.close()
                continue
            try:
                server = self._connect()
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, target):
                _shut_down(end)
            source.close()
            with self._lock:
                self._open.discard(source)


def _shut_down(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def to_unix_socket(path: str) -> Callable[[], socket.socket]:
    """Return a `connect` function for a server that listens on a Unix socket."""

    def connect() -> socket.socket:
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        end.connect(path)
        return end

    return connect
