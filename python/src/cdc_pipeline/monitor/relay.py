"""What people ask Prometheus and Alertmanager by way of this service, which knows people as those two do not.

Alertmanager has no login that only reads. So who may silence alerts is decided here, by the method of a request.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping

import httpx

from cdc_pipeline.monitor.page import HEADERS, Answer, told

# What is read: nothing of these tells a password. Alertmanager's status is left out, which has receivers' addresses.
_READ = {
    "prometheus": re.compile(r"/api/v1/(?!admin/)(?!.*\.\.)[\w/.:~%-]+"),
    "alertmanager": re.compile(r"/api/v2/(alerts|alerts/groups|receivers|silences|silence/[\w-]+)"),
}
_CHANGED = {"POST": re.compile(r"/api/v2/silences"), "DELETE": re.compile(r"/api/v2/silence/[\w-]+")}
_TARGET = re.compile(r"/(prometheus|alertmanager)(/[^?]*)(\?.*)?", re.DOTALL)
_JSON = "application/json"
# Of an answer; and answers at the same time, so that these bound the memory.
_MOST_BYTES = 8 << 20
_AT_ONCE = 2
MOST_SENT_BYTES = 64 << 10
# Prometheus' own bound on a query is two minutes.
SECONDS = 30.0


class Relay:
    """Passes requests on. Threads may share it.

    Args:
        clients: by the first word of the paths that are passed on to it, prometheus and alertmanager.
    """

    def __init__(self, clients: Mapping[str, httpx.Client]) -> None:
        self._clients = clients
        self._free = threading.BoundedSemaphore(_AT_ONCE)

    def get(self, target: str) -> Answer | None:
        """The answer to a request to read; None where it is none of these."""
        found = _TARGET.fullmatch(target)
        if found is None or found[1] not in self._clients or not _READ[found[1]].fullmatch(found[2]):
            return None
        return self._pass(found[1], "GET", found[2] + (found[3] or ""))

    def change(self, method: str, target: str, kind: str, body: bytes) -> Answer | None:
        """The answer to an operator's request, which makes or ends a silence; None where it is none of these.

        Args:
            kind: the media type of ``body``. A page of another server can make a browser send others alone.
        """
        found = _TARGET.fullmatch(target)
        if found is None or found[1] != "alertmanager" or "alertmanager" not in self._clients or found[3]:
            return None
        if not _CHANGED[method].fullmatch(found[2]):
            return None
        if method == "POST" and kind.partition(";")[0].strip().lower() != _JSON:
            return told(415, {"error": f"Content-Type is {kind!r}, and has to be {_JSON}"})
        return self._pass(found[1], method, found[2], body)

    def _pass(self, name: str, method: str, path: str, body: bytes = b"") -> Answer:
        headers = {"Content-Type": _JSON} if body else {}
        content = bytearray()
        try:
            with self._free, self._clients[name].stream(method, path, content=body, headers=headers) as answer:
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > _MOST_BYTES:
                        why = f"the answer has more than {_MOST_BYTES >> 20} MiB: ask for less"
                        return told(502, {"error": f"{name}: {why}"})
        except httpx.HTTPError as error:
            return told(502, {"error": f"{name} does not answer: {error}. Check cdc status, cdc logs {name}."})
        return Answer(answer.status_code, bytes(content), answer.headers.get("Content-Type", _JSON), HEADERS)
