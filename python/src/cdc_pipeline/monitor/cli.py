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

import httpx

from cdc_pipeline.clients import http
from cdc_pipeline.endpoints import Login
from cdc_pipeline.log import configure
from cdc_pipeline.monitor.page import Answer, Page
from cdc_pipeline.monitor.relay import MOST_SENT_BYTES, SECONDS, Relay
from cdc_pipeline.monitor.service import LOGGER, Service
from cdc_pipeline.monitor.settings import Settings
from cdc_pipeline.people.logins import READER
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
        help="JSON object of the username and password of who may read more than a status; none: everybody may",
    )
    parser.add_argument("--people", default="", metavar="FILE", help="properties file with the logins of people")
    options = parser.parse_args(arguments)
    if bool(options.certificate) != bool(options.key):
        parser.error("--certificate and --key belong together")
    configure(LOGGER, "info")
    try:
        settings = Settings.load(options.config)
        database = settings.postgresql()
        login = _login(options.login, "--login")
        access = Access(options.certificate, options.key, login, options.people, READER)
        access.context()
        page = _page(settings)
        relay = _relay(settings)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if options.check:
        return 0
    service = Service(settings, database)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    try:
        served = listen(_bound(service, page, relay), options.bind, options.port, access)
    except OSError as error:
        LOGGER.error("failed", extra={"reason": f"cannot listen on {options.bind}:{options.port}: {error.strerror}"})
        return 1
    service.start()
    try:
        service.wait()
    finally:
        served.shutdown()
    return 0


def _page(settings: Settings) -> Page | None:
    stated = settings.page
    if stated is None:
        return None
    return Page(stated, _login_in(stated.login_file, "page.login_file"))


def _relay(settings: Settings) -> Relay:
    """
    Raises:
        OSError: a file cannot be read.
        ValueError: one holds no login.
    """
    found: dict[str, httpx.Client] = {}
    if (at := settings.alertmanager) is not None:
        login = _login_in(at.login_file, "alertmanager.login_file")
        found["alertmanager"] = http.client(at.url, login, at.ca, SECONDS)
    if (page := settings.page) is not None:
        login = _login_in(page.login_file, "page.login_file")
        found["prometheus"] = http.client(page.prometheus, login, page.ca, SECONDS)
    return Relay(found)


def _login_in(file: str, option: str) -> Login | None:
    return _login(Path(file) if file else None, option)


def _login(path: Path | None, option: str) -> Login | None:
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Login(str(found["username"]), str(found["password"]))
    except (ValueError, TypeError, KeyError):
        # Without the text, which holds a password.
        raise ValueError(f"{option}: {path} is not a JSON object of username and password") from None


def _bound(service: Service, page: Page | None, relay: Relay) -> type[Handler]:
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
            elif (answer := (page.get(self.path) if page is not None else None) or relay.get(self.path)) is not None:
                self._answer(answer)
            else:
                shown = "" if page is None else "/, /api/dashboards, /api/panels, "
                shown += "/prometheus/api/v1/, /alertmanager/api/v2/, "
                self.json(404, {"error": f"known are GET {shown}/metrics, /health/live and /health/ready"})

        def do_POST(self) -> None:
            self._change()

        def do_DELETE(self) -> None:
            self._change()

        def _change(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if not length.isdigit() or int(length) > MOST_SENT_BYTES:
                self.json(413, {"error": f"Content-Length has to be at most {MOST_SENT_BYTES}"})
                return
            body = self.rfile.read(int(length))
            answer = relay.change(self.command, self.path, self.headers.get("Content-Type", ""), body)
            if answer is not None:
                self._answer(answer)
            else:
                known = "POST /alertmanager/api/v2/silences, DELETE /alertmanager/api/v2/silence/"
                self.json(404, {"error": f"what changes something is {known}"})

        def _answer(self, answer: Answer) -> None:
            self.content(answer.status, answer.body, answer.kind, answer.headers)

    return Bound


if __name__ == "__main__":
    sys.exit(main())
