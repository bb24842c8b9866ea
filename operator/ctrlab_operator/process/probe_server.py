"""/healthz, /readyz and /metrics, from a thread of their own, so that they answer while everything else hangs."""

import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

HealthCheck = Callable[[], str | None]
"""What is wrong, or None."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A prober that no longer waits for its answer is no error; a traceback would hide real ones."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ProbeServer:
    """Serves until `stop`."""

    def __init__(self, port: int, registry: CollectorRegistry, alive: HealthCheck, ready: HealthCheck) -> None:
        """Port 0 takes a free one."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
                elif self.path in ("/healthz", "/readyz"):
                    wrong = (alive if self.path == "/healthz" else ready)()
                    self._answer(503 if wrong else 200, f"{wrong or 'ok'}\n".encode(), "text/plain; charset=utf-8")
                else:
                    self._answer(404, b"known: /healthz /readyz /metrics\n", "text/plain; charset=utf-8")

            def _answer(self, status: int, body: bytes, content: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Probes come every few seconds; nobody wants a line for each."""

        self._server = _Server(("", port), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
