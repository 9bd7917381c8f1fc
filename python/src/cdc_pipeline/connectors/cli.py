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

from cdc_pipeline.connectors.judge import Expected, Judge, Patience
from cdc_pipeline.connectors.restarts import FIRST_SECONDS, MOST_SECONDS, REPEATED_SECONDS, Restarts
from cdc_pipeline.connectors.service import LOGGER, Service
from cdc_pipeline.connectors.source import SourceWatch
from cdc_pipeline.connectors.workers import Workers
from cdc_pipeline.disk import keeper as disk_keeper
from cdc_pipeline.endpoints import KafkaConnectEndpoint, Login, PostgresqlEndpoint
from cdc_pipeline.log import configure
from cdc_pipeline.serving import Access, Handler, listen
from cdc_pipeline.shape import ShapeError, read

# What hangs is restarted at least so often, and begins from the first pause again after twice as long.
_HUNG_MOST_SECONDS = 3600.0


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="cdc-connectors", description="Restart what has failed of connectors, and say what is stuck."
    )
    parser.add_argument("--workers", required=True, help="URLs of Kafka Connect's workers, with commas between")
    parser.add_argument("--ca", default="", help="PEM file of the authorities that the workers' certificates are from")
    parser.add_argument(
        "--login", type=Path, metavar="FILE", help="JSON object of the username and password for Kafka Connect"
    )
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on, for metrics and probes")
    parser.add_argument("--certificate", default="", metavar="FILE", help="PEM file; what is served, is by HTTPS alone")
    parser.add_argument("--key", default="", metavar="FILE", help="PEM file of the key of --certificate")
    parser.add_argument(
        "--served-login",
        type=Path,
        metavar="FILE",
        help="JSON object of the username and password of who may ask for more than a status; none: everybody may",
    )
    parser.add_argument("--people", default="", metavar="FILE", help="properties file with the logins of people")
    parser.add_argument("--first", type=float, default=FIRST_SECONDS, help="seconds from a failure to a restart")
    parser.add_argument("--most", type=float, default=MOST_SECONDS, help="most seconds between two restarts")
    parser.add_argument(
        "--repeated",
        type=float,
        default=REPEATED_SECONDS,
        help="most seconds between two restarts of what fails in the same way at the same position every time; --most "
        "where that is more",
    )
    parser.add_argument("--expect", default="", help="names of connectors that must run, with commas between")
    parser.add_argument("--cdc", default="", metavar="NAME", help="the connector that reads the slot")
    parser.add_argument("--slot", default="", metavar="NAME", help="its replication slot")
    parser.add_argument(
        "--postgresql",
        type=Path,
        metavar="FILE",
        help="JSON object of host, port, dbname, user and password, sslmode and ca, of the role that reads the slot",
    )
    parser.add_argument(
        "--stuck",
        type=float,
        default=Patience().stuck,
        help="seconds without progress, while there is something to read, until a connector is said to be stuck, and "
        "restarted",
    )
    parser.add_argument(
        "--no-heartbeat",
        action="store_true",
        help="the connector writes no heartbeat to the WAL, so that a slot that stands still says nothing",
    )
    parser.add_argument(
        "--disk",
        type=Path,
        metavar="FILE",
        help="JSON object of what the brokers' disks are looked after by; none: they are not",
    )
    options = parser.parse_args(arguments)
    if not 0 < options.first <= options.most:
        parser.error("--first must be more than 0, and at most --most")
    if options.stuck <= 0:
        parser.error("--stuck must be more than 0")
    if bool(options.slot) != bool(options.postgresql) or bool(options.slot) != bool(options.cdc):
        parser.error("--slot, --postgresql and --cdc belong together")
    if bool(options.certificate) != bool(options.key):
        parser.error("--certificate and --key belong together")
    configure(LOGGER, "info")
    # It would name every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        workers = Workers(_where(options))
        served = _login("--served-login", options.served_login)
        access = Access(options.certificate, options.key, served, options.people)
        access.context()
        source = SourceWatch(_database(options.postgresql), options.slot) if options.postgresql else None
        disk = disk_keeper.Settings.read(options.disk) if options.disk else None
    except (OSError, ValueError) as error:
        parser.error(str(error))
    expected = Expected(_names(options.expect), options.cdc, options.slot, not options.no_heartbeat)
    service = Service(
        workers,
        Restarts(options.first, options.most, repeated=options.repeated),
        Judge(expected, Patience(stuck=options.stuck)),
        source,
        Restarts(options.stuck, max(options.stuck, _HUNG_MOST_SECONDS), 2 * _HUNG_MOST_SECONDS, delay=0.0),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    try:
        http = listen(bound(service), options.bind, options.port, access)
    except OSError as error:
        LOGGER.error("failed", extra={"reason": f"cannot listen on {options.bind}:{options.port}: {error.strerror}"})
        return 1
    if source is not None:
        source.start()
    if disk:
        keeper = disk_keeper.Keeper(disk, disk_keeper.Brokers(disk), workers, service.registry)
        service.waits = keeper.waits
        keeper.start()
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
    return KafkaConnectEndpoint(urls[0], urls, options.ca, writer=_login("--login", options.login))


def _login(option: str, path: Path | None) -> Login | None:
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Login(str(found["username"]), str(found["password"]))
    except (ValueError, TypeError, KeyError):
        # Without the text, which holds a password.
        raise ValueError(f"{option}: {path} is not a JSON object of username and password") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _database(path: Path) -> PostgresqlEndpoint:
    """
    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no endpoint.
    """
    try:
        return read(PostgresqlEndpoint, json.loads(path.read_text(encoding="utf-8")), "postgresql")
    except ShapeError as error:
        raise ValueError(f"--postgresql: {path}: {'; '.join(error.problems)}") from None
    except ValueError:
        # Without the text, which holds a password.
        raise ValueError(f"--postgresql: {path} is not JSON") from None


def bound(service: Service) -> type[Handler]:
    class Bound(Handler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/metrics":
                self.metrics(service.registry)
            elif path == "/health/live":
                self.health(service.alive())
            elif path == "/health/ready":
                reasons = service.not_ready()
                self.health(not reasons, reasons=reasons, troubles=service.troubles(), notes=service.notes())
            elif path == "/status":
                self.json(200, service.status())
            else:
                self.json(404, {"error": "known are GET /metrics, /status, /health/live and /health/ready"})

    return Bound


if __name__ == "__main__":
    sys.exit(main())
