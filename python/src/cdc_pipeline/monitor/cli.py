"""``cdc-monitor``: run the service.

Exit codes: 0 ended in order, 1 cannot listen, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from cdc_pipeline.endpoints import Login
from cdc_pipeline.log import configure
from cdc_pipeline.monitor.page import Page
from cdc_pipeline.monitor.service import LOGGER, Service
from cdc_pipeline.monitor.settings import Settings
from cdc_pipeline.serving import Access, Handler, listen


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="cdc-monitor",
        description="Tell Prometheus how fresh Kafka is and how far consumers are behind, and serve the dashboards.",
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="JSON object of what is watched")
    parser.add_argument("--check", action="store_true", help="only say whether the files are right")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on, for metrics and probes")
    parser.add_argument("--certificate", default="", metavar="FILE", help="PEM file; what is served, is by HTTPS alone")
    parser.add_argument("--key", default="", metavar="FILE", help="PEM file of the key of --certificate")
    parser.add_argument(
        "--login",
        type=Path,
        metavar="FILE",
        help="JSON object of the username and password of who may ask for more than a status; none: everybody may",
    )
    options = parser.parse_args(arguments)
    if bool(options.certificate) != bool(options.key):
        parser.error("--certificate and --key belong together")
    configure(LOGGER, "info")
    try:
        settings = Settings.load(options.config)
        database = settings.postgresql()
        access = Access(options.certificate, options.key, _login(options.login, "--login"))
        access.context()
        page = _page(settings)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if options.check:
        return 0
    service = Service(settings, database)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    try:
        http = listen(_bound(service, page), options.bind, options.port, access)
    except OSError as error:
        LOGGER.error("failed", extra={"reason": f"cannot listen on {options.bind}:{options.port}: {error.strerror}"})
        return 1
    service.start()
    try:
        service.wait()
    finally:
        http.shutdown()
    return 0


def _page(settings: Settings) -> Page | None:
    stated = settings.page
    if stated is None:
        return None
    return Page(stated, _login(Path(stated.login_file) if stated.login_file else None, "page.login_file"))


def _login(path: Path | None, option: str) -> Login | None:
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Login(str(found["username"]), str(found["password"]))
    except (ValueError, TypeError, KeyError):
        # Without the text, which holds a password.
        raise ValueError(f"{option}: {path} is not a JSON object of username and password") from None


def _bound(service: Service, page: Page | None) -> type[Handler]:
    class Bound(Handler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/metrics":
                self.metrics(service.metrics.registry)
            elif path == "/health/live":
                self.health(service.alive())
            elif path == "/health/ready":
                reasons = service.not_ready()
                self.health(not reasons, reasons=reasons)
            elif page is not None and (answer := page.get(self.path)) is not None:
                self.content(answer.status, answer.body, answer.kind, answer.headers)
            else:
                shown = "" if page is None else "/, /api/dashboards, /api/panels, "
                self.json(404, {"error": f"known are GET {shown}/metrics, /health/live and /health/ready"})

    return Bound


if __name__ == "__main__":
    sys.exit(main())
