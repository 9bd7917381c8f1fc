"""What the services' HTTP servers have in common."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


def listen(handler: type[Handler], bind: str, port: int) -> ThreadingHTTPServer:
    """Answer requests in threads of their own until ``shutdown`` of what is returned.

    Raises:
        OSError: the address cannot be listened on.
    """
    server = ThreadingHTTPServer((bind, port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server


class Handler(BaseHTTPRequestHandler):
    """Answers in JSON, and in Prometheus' text format."""

    timeout = 30

    def metrics(self, registry: CollectorRegistry) -> None:
        """Answer with the metrics of ``registry``."""
        self._answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)

    def health(self, good: bool, **details: Any) -> None:
        """Answer a probe: 200 or 503."""
        self.json(200 if good else 503, {"status": "UP" if good else "DOWN", **details})

    def json(self, status: int, body: dict[str, Any]) -> None:
        """Answer with ``body``."""
        self._answer(status, json.dumps(body).encode() + b"\n", "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""
