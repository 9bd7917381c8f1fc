"""``cdc-connectors``: run the service.

Exit codes: 0 ended in order, 1 cannot listen, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from cdc_pipeline.connectors.restarts import FIRST_SECONDS, MOST_SECONDS, Restarts
from cdc_pipeline.connectors.service import LOGGER, Service
from cdc_pipeline.connectors.workers import Workers
from cdc_pipeline.disk import keeper as disk_keeper
from cdc_pipeline.endpoints import KafkaConnectEndpoint
from cdc_pipeline.log import configure
from cdc_pipeline.serving import Handler, listen


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="cdc-connectors", description="Restart what has failed of connectors.")
    parser.add_argument("--workers", required=True, help="URLs of Kafka Connect's workers, with commas between")
    parser.add_argument("--ca", default="", help="PEM file of the authorities that the workers' certificates are from")
    parser.add_argument(
        "--login", type=Path, metavar="FILE", help="JSON object of the username and password for Kafka Connect"
    )
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on, for metrics and probes")
    parser.add_argument("--first", type=float, default=FIRST_SECONDS, help="seconds from a failure to a restart")
    parser.add_argument("--most", type=float, default=MOST_SECONDS, help="most seconds between two restarts")
    parser.add_argument(
        "--disk",
        type=Path,
        metavar="FILE",
        help="JSON object of what the brokers' disks are looked after by; none: they are not",
    )
    options = parser.parse_args(arguments)
    if not 0 < options.first <= options.most:
        parser.error("--first must be more than 0, and at most --most")
    configure(LOGGER, "info")
    # It would name every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        workers = Workers(_where(options))
        disk = disk_keeper.Settings.read(options.disk) if options.disk else None
    except (OSError, ValueError) as error:
        parser.error(str(error))
    service = Service(workers, Restarts(options.first, options.most))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    try:
        http = listen(_bound(service), options.bind, options.port)
    except OSError as error:
        LOGGER.error("failed", extra={"reason": f"cannot listen on {options.bind}:{options.port}: {error.strerror}"})
        return 1
    if disk:
        disk_keeper.Keeper(disk, disk_keeper.Brokers(disk), workers, service.registry).start()
    try:
        service.run()
    finally:
        http.shutdown()
    return 0


def _where(options: argparse.Namespace) -> KafkaConnectEndpoint:
    """
    Raises:
        OSError: a file cannot be read.
        ValueError: a worker's URL is none, or the login's file holds none.
    """
    urls = tuple(options.workers.split(","))
    for url in urls:
        if not re.match(r"https?://[^/]", url):
            raise ValueError(f"--workers: {url} must begin with http:// or https://")
    login = _login(options.login) if options.login else {}
    return KafkaConnectEndpoint(urls[0], urls, options.ca, **login)


def _login(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"username": found["username"], "password": found["password"]}
    except (ValueError, TypeError, KeyError):
        # Without the text, which holds a password.
        raise ValueError(f"--login: {path} is not a JSON object of username and password") from None


def _bound(service: Service) -> type[Handler]:
    class Bound(Handler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/metrics":
                self.metrics(service.registry)
            elif path == "/health/live":
                self.health(service.alive())
            elif path == "/health/ready":
                reasons = service.not_ready()
                self.health(not reasons, reasons=reasons)
            else:
                self.json(404, {"error": "known are GET /metrics, /health/live and /health/ready"})

    return Bound


if __name__ == "__main__":
    sys.exit(main())
