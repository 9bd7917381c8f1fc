"""Metrics, health and flush over HTTP."""

from __future__ import annotations

from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cdc_pipeline.archive.errors import UnavailableError
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.service import Service
from cdc_pipeline.serving import Access, Handler, listen

FLUSH_SECONDS = 60.0
MOST_FLUSH_SECONDS = 3600.0


def serve(service: Service, bind: str, port: int, access: Access | None = None) -> ThreadingHTTPServer:
    """Answer requests in threads of their own until ``shutdown`` of what is returned.

    Raises:
        OSError: as of :func:`cdc_pipeline.serving.listen`.
    """

    class Bound(_Handler):
        archive = service

    server = listen(Bound, bind, port, access)
    LOGGER.info("listening", extra={"bind": bind, "port": server.server_address[1]})
    return server


class _Handler(Handler):
    archive: Service

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/metrics":
            self.metrics(self.archive.metrics.registry)
        elif path == "/health/live":
            self.health(self.archive.alive())
        elif path == "/health/ready":
            found = self.archive.readiness()
            self.health(found.ready, **found.to_raw())
        else:
            self.json(404, {"error": "known are GET /metrics, /health/live, /health/ready and POST /flush?timeout=60"})

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        if url.path != "/flush":
            self.json(404, {"error": "POST /flush?timeout=60 is known"})
            return
        try:
            timeout = float(parse_qs(url.query).get("timeout", [FLUSH_SECONDS])[0])
            if not 0 < timeout <= MOST_FLUSH_SECONDS:
                raise ValueError
        except ValueError:
            self.json(400, {"error": f"timeout must be seconds between 0 and {MOST_FLUSH_SECONDS:.0f}"})
            return
        try:
            request = self.archive.flush(timeout)
        except UnavailableError as error:
            self.json(503, {"ok": False, "error": str(error)})
            return
        request.abandoned = True
        result = request.result()
        if not result["partitions"]:
            result["error"] = "; ".join(self.archive.readiness().reasons) or "no partition is assigned to this instance"
        self.json(200 if result["ok"] else 503 if result["finished"] else 504, result)
