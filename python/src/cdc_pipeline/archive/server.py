"""Metrics, health and flush over HTTP."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from cdc_pipeline.archive.errors import UnavailableError
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.service import Service

FLUSH_SECONDS = 60.0
MOST_FLUSH_SECONDS = 3600.0


def serve(service: Service, bind: str, port: int) -> ThreadingHTTPServer:
    """Answer requests in threads of their own until ``shutdown`` of what is returned."""

    class Handler(_Handler):
        archive = service

    server = ThreadingHTTPServer((bind, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    LOGGER.info("listening", extra={"bind": bind, "port": server.server_address[1]})
    return server


class _Handler(BaseHTTPRequestHandler):
    archive: Service
    timeout = 30

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/metrics":
            self._answer(200, generate_latest(self.archive.metrics.registry), CONTENT_TYPE_LATEST)
        elif path == "/health/live":
            alive = self.archive.alive()
            self._json(200 if alive else 503, {"status": "UP" if alive else "DOWN"})
        elif path == "/health/ready":
            reasons = self.archive.not_ready()
            self._json(503 if reasons else 200, {"status": "DOWN" if reasons else "UP", "reasons": reasons})
        else:
            self._json(404, {"error": "known are GET /metrics, /health/live, /health/ready and POST /flush?timeout=60"})

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        if url.path != "/flush":
            self._json(404, {"error": "POST /flush?timeout=60 is known"})
            return
        try:
            timeout = float(parse_qs(url.query).get("timeout", [FLUSH_SECONDS])[0])
            if not 0 < timeout <= MOST_FLUSH_SECONDS:
                raise ValueError
        except ValueError:
            self._json(400, {"error": f"timeout must be seconds between 0 and {MOST_FLUSH_SECONDS:.0f}"})
            return
        try:
            request = self.archive.flush(timeout)
        except UnavailableError as error:
            self._json(503, {"ok": False, "error": str(error)})
            return
        request.abandoned = True
        result = request.result()
        if not result["partitions"]:
            result["error"] = "; ".join(self.archive.not_ready()) or "no partition is assigned to this instance"
        self._json(200 if result["ok"] else 503 if result["finished"] else 504, result)

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._answer(status, json.dumps(body).encode() + b"\n", "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""
