# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A source of samples, and an SMTP server and a server of webhooks that keep what they are sent."""

from __future__ import annotations

import contextlib
import html
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Samples:
    """What Prometheus scrapes: values by series as Prometheus writes them."""

    values: dict[str, float] = field(default_factory=dict)

    def text(self) -> bytes:
        return "".join(f"{series} {value}\n" for series, value in self.values.items()).encode()


@dataclass
class Mails:
    """``refuses``: with which answer; empty for none."""

    refuses: str = ""
    got: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuses:
            return self.refuses
        self.got.append(cast(EmailMessage, message_from_bytes(bytes(envelope.content or b""), policy=policy.default)))
        return "250 kept"


def alerts_of(mail: EmailMessage) -> list[dict[str, Any]]:
    """``labels`` and ``status`` of the alerts in a mail of Alertmanager's own template, as a webhook is sent them."""
    body = mail.get_body(("html",))
    assert body is not None, mail
    text = re.sub(r"<[^>]+>", "", re.sub(r"<(?:br|/td)\b[^>]*>", "\n", body.get_content()))
    found: list[dict[str, Any]] = []
    status, within = "", False
    for line in map(str.strip, html.unescape(text).splitlines()):
        if heading := re.fullmatch(r"\[\d+\] (Firing|Resolved)", line):
            status = heading[1].lower()
        elif line == "Labels":
            within = True
            found.append({"labels": {}, "status": status})
        elif line in ("Annotations", "Source"):
            within = False
        elif within and " = " in line:
            name, value = line.split(" = ", 1)
            found[-1]["labels"][name] = value
    return found


@contextmanager
def mails() -> Iterator[tuple[str, Mails]]:
    """The server's address, and what it gets."""
    kept = Mails()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield f"127.0.0.1:{controller.port}", kept
    finally:
        controller.stop()


@contextmanager
def served(samples: Samples) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server with /metrics, and /hook, which keeps what it is sent: its address, and that."""
    kept: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(samples.text())

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.append({**sent, "path": self.path, "authorization": self.headers.get("Authorization", "")})
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", kept
    finally:
        server.shutdown()
        server.server_close()
