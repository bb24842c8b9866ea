"""HTTP server of /healthz, /readyz and /metrics, in a separate thread that responds even if all others hang."""

import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

HealthCheck = Callable[[], str | None]
"""Returns what is wrong, or None."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that closed their connection before the response; their tracebacks would hide real errors."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ProbeServer:
    """Serves from `start` until `stop`."""

    def __init__(self, port: int, registry: CollectorRegistry, alive: HealthCheck, ready: HealthCheck) -> None:
        """Listen on the port; 0 selects a free one."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._respond(200, generate_latest(registry), CONTENT_TYPE_LATEST)
                elif self.path in ("/healthz", "/readyz"):
                    problem = (alive if self.path == "/healthz" else ready)()
                    self._respond(503 if problem else 200, f"{problem or 'ok'}\n".encode(), "text/plain; charset=utf-8")
                else:
                    self._respond(404, b"use /healthz, /readyz or /metrics\n", "text/plain; charset=utf-8")

            def _respond(self, status: int, body: bytes, content_type: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Do not log requests: probes come every few seconds."""

        self._server = _Server(("", port), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)

    def start(self) -> None:
        """Start serving requests."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the server and close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
