# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A browser without a screen: Chromium, spoken to by its DevTools protocol over a pipe."""

from __future__ import annotations

import base64
import hashlib
import json
import queue
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from debian_tools import with_libraries
from waiting import until

# A browser starts slowly on a busy host.
_SECONDS = 120.0
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Browser:
    """One window of it.

    :param process: whose input and output are the two ends of the pipe.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process, self._number, self._session = process, 0, ""
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._complaints: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def _read(self) -> None:
        assert self._process.stdout is not None
        rest = b""
        while chunk := self._process.stdout.read1(1 << 16):
            *whole, rest = (rest + chunk).split(b"\0")
            for each in whole:
                message = json.loads(each)
                if "id" in message:
                    self._answers.put(message)
                else:
                    self._heard(message["method"], message.get("params", {}))
        self._answers.put(None)

    def _heard(self, event: str, told: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self._complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self._complaints.append(" ".join(str(each.get("value", "")) for each in told["args"]))
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self._complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol returns."""
        assert self._process.stdin is not None
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        answer = self._answers.get(timeout=_SECONDS)
        assert answer is not None, "the browser has ended"
        assert answer["id"] == self._number and "error" not in answer, answer
        return answer["result"]

    def value(self, script: str) -> Any:
        """Of an expression in JavaScript, in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def screen(self, width: int, height: int, dark: bool) -> None:
        """How large it is, and which colours its reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address: str, ready: str, seconds: float = _SECONDS) -> None:
        """Opens an address anew, and waits until an expression is true there."""
        self.call("Page.navigate", url="about:blank")
        until(
            lambda: self.value("location.href"), lambda found: found == "about:blank", seconds, "nothing is open", 0.05
        )
        self._complaints.clear()
        failed = self.call("Page.navigate", url=address).get("errorText")
        assert not failed, f"the browser cannot open {urlsplit(address).hostname}: {failed}"
        until(lambda: self.value(ready), lambda found: found is True, seconds, "the page is ready", 0.1)

    def complaints(self) -> list[str]:
        """Errors and warnings since an address was opened: of scripts, of its policy, of what could not be loaded."""
        return list(self._complaints)

    def picture(self, whole: bool = True) -> bytes:
        """As PNG; ``whole``: also what is below the window."""
        given: dict[str, Any] = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
            given = {"captureBeyondViewport": True, "clip": clip}
        found = self.call("Page.captureScreenshot", format="png", **given)
        return base64.b64decode(found["data"])


def key_of(url: str, ca: str) -> str:
    """By what a browser trusts a server that those who trust ``ca`` trust."""
    where = urlsplit(url)
    assert where.hostname and where.port
    context = ssl.create_default_context(cafile=ca)
    with (
        socket.create_connection((where.hostname, where.port), 10) as plain,
        context.wrap_socket(plain, server_hostname=where.hostname) as secured,
    ):
        certificate = secured.getpeercert(binary_form=True)
    assert certificate is not None
    key = x509.load_der_x509_certificate(certificate).public_key()
    told = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(told).digest()).decode()


@contextmanager
def chromium(folder: Path, trusted: str = "") -> Iterator[Browser]:
    """The test is skipped where it cannot be had.

    :param folder: for its profile and its log.
    :param trusted: the key of a server whose certificate it has not to verify, as :func:`key_of` returns it.
    """
    program, environment = with_libraries("chromium", "chromium", "usr/lib/chromium/chromium")
    command = [program, *_OPTIONS, f"--user-data-dir={folder / 'profile'}"]
    if trusted:
        command.append(f"--ignore-certificate-errors-spki-list={trusted}")
    with (folder / "chromium.log").open("wb") as log:
        # It reads from its file 3 and writes to 4.
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$@" 3<&0 4>&1 0</dev/null 1>&2', "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**environment, "TZ": "UTC", "LANG": "C.UTF-8"},
        )
        try:
            yield Browser(process)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
