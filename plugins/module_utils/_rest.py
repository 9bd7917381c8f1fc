# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A JSON-over-HTTP client that repeats only what is safe to repeat."""

from __future__ import annotations

import enum
import json
import socket
import ssl
import time
import urllib.error
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode

from ._errors import InvalidError, PipelineError, RequestError, UnreachableError
from ._opener import Opener
from ._secrets import mask_url
from ._wait import Deadline

_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
_OVERLOADED = frozenset({429, 502, 503, 504})
# A 500, or a 404 that is not the service's own, is how some servers answer while they start. It can also last.
_FEW_ATTEMPTS = 6


class Repeat(enum.Enum):
    """Whether a failed request may be sent again."""

    NEVER = "never"
    A_FEW_TIMES = "a few times"
    UNTIL_DEADLINE = "until the deadline"


def repeatable(error: PipelineError, idempotent: bool, momentary: Callable[[RequestError], bool]) -> Repeat:
    """The decision for one failure. Pure.

    :param idempotent: sending the request twice has the effect of sending it once.
    :param momentary: recognises the service's own "not now", such as Connect's 409 while it rebalances.
    """
    if isinstance(error, UnreachableError):
        return Repeat.UNTIL_DEADLINE if (error.never_sent or idempotent) and not error.lasting else Repeat.NEVER
    if not isinstance(error, RequestError):
        return Repeat.NEVER
    if momentary(error):
        return Repeat.UNTIL_DEADLINE
    if error.status in _OVERLOADED:
        return Repeat.UNTIL_DEADLINE if idempotent else Repeat.NEVER
    if error.status >= 500 or (error.status == 404 and error.code is None):
        return Repeat.A_FEW_TIMES if idempotent else Repeat.NEVER
    return Repeat.NEVER


class RestClient:
    """One server.

    :param params: the options of `rest_arguments`.
    :param service: the server's name in messages.
    :param content_type: of what is sent.
    :param momentary: see `repeatable`.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        service: str,
        *,
        content_type: str = "application/json",
        momentary: Callable[[RequestError], bool] = lambda error: False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base = params["url"].rstrip("/")
        self.where = mask_url(self.base)
        self.service = service
        self._momentary = momentary
        self._sleep = sleep
        self._retry_seconds = params["retry_timeout"]
        self._files = (params["ca_path"], params["client_cert"], params["client_key"])
        self._opener = Opener(params, {"Accept": "application/json", "Content-Type": content_type})

    def call(
        self,
        method: str,
        *path: str,
        body: Any = None,
        query: Mapping[str, str | list[str]] | None = None,
        idempotent: bool | None = None,
    ) -> Any:
        """The decoded answer, None for an empty one.

        :param path: the address below the base, one argument for each segment; they are quoted here.
        :param idempotent: default: all methods but POST.
        :raises UnreachableError: when no answer came.
        :raises RequestError: when the server answered with an error.
        """
        repeat_safely = method in _IDEMPOTENT if idempotent is None else idempotent
        deadline = Deadline(self._retry_seconds)
        pause, attempts, doubtful = 0.2, 0, 0
        while True:
            attempts += 1
            try:
                return self._once(method, path, body, query)
            except PipelineError as error:
                repeat = repeatable(error, repeat_safely, self._momentary)
                doubtful += repeat is Repeat.A_FEW_TIMES
                if repeat is Repeat.NEVER or doubtful >= _FEW_ATTEMPTS or deadline.expired:
                    if attempts > 1:
                        error.why += f" ({attempts} attempts)"
                    raise
            self._sleep(min(pause, deadline.remaining))
            pause = min(pause * 2, 2.0)

    def _once(self, method: str, path: tuple[str, ...], body: Any, query: Mapping[str, str | list[str]] | None) -> Any:
        url = "/".join([self.base, *(quote(segment, safe="") for segment in path)])
        if query:
            url += f"?{urlencode(query, doseq=True)}"
        data = None if body is None else json.dumps(body).encode()
        try:
            with self._opener.open(method, url, data) as response:
                status, content = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        except (OSError, HTTPException, ValueError) as error:
            # ValueError: the option url is none.
            raise self._unreachable(error, url) from error
        return self._answer(method, url, status, content)

    def _answer(self, method: str, url: str, status: int, content: bytes) -> Any:
        decoded: Any = None
        try:
            decoded = json.loads(content) if content.strip() else None
        except ValueError:
            if status < 300:
                raise RequestError(
                    f"The address does not answer as {self.service} does",
                    status=status,
                    code=None,
                    where=mask_url(url),
                    why="the answer is not JSON",
                    remedy="check the option url",
                ) from None
        if status < 300:
            return decoded
        own = decoded if isinstance(decoded, dict) else {}
        code, message = own.get("error_code"), own.get("message") or content[:200].decode(errors="replace").strip()
        raise RequestError(
            f"{self.service} refused a request",
            status=status,
            code=code,
            where=f"{method} {mask_url(url)}",
            why=f"HTTP {status}" + (f": {message}" if message else ""),
            remedy=_REMEDIES.get(status, ""),
        )

    def _unreachable(self, error: Exception, url: str) -> UnreachableError:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if not isinstance(cause, Exception):
            cause = error
        if isinstance(cause, FileNotFoundError | PermissionError | IsADirectoryError):
            # Python does not say which of the files it is.
            raise InvalidError(
                "A file for TLS cannot be read",
                where=", ".join(file for file in self._files if file),
                why=cause.strerror or str(cause),
                remedy="check the paths in ca_path, client_cert and client_key, and that this user may read them",
            ) from cause
        untrusted = isinstance(cause, ssl.SSLError) or "SSL" in type(cause).__name__
        refused = isinstance(cause, ConnectionRefusedError)
        unknown_host = isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN
        if untrusted:
            remedy = _of_tls(str(cause), self._files[0])
        elif unknown_host:
            remedy = "check the host name in the option url"
        else:
            tried = f"tried for {self._retry_seconds} s, retry_timeout"
            remedy = f"check that it runs and that the option url is right ({tried})"
            # A server that speaks TLS alone hangs up on who does not.
            if url.startswith("http://") and isinstance(cause, HTTPException | ConnectionResetError):
                remedy += "; where it encrypts, url begins with https://"
        return UnreachableError(
            f"{self.service} does not answer",
            where=mask_url(url),
            why=str(cause) or type(cause).__name__,
            remedy=remedy,
            never_sent=refused,
            lasting=untrusted or unknown_host,
        )


def _of_tls(why: str, ca_path: str | None) -> str:
    """What to do, by what OpenSSL says."""
    text = why.lower()
    if "expired" in text:
        return (
            "its certificate is out of date, if the clocks of both hosts are right: give the server a new one; "
            "that of a pipeline is renewed by the playbook site"
        )
    if "not yet valid" in text:
        return "its certificate is not valid yet: compare the clocks of both hosts"
    if "mismatch" in text or "doesn't match" in text:
        return "use a host name in the option url that is in its certificate, or have one for this name"
    if "wrong_version_number" in text or "wrong version number" in text or "record layer" in text:
        return "it does not speak TLS there: check the port, and whether url begins with http://"
    if "self-signed" in text or "self signed" in text or "unable to get" in text or "verify failed" in text:
        known = f"{ca_path} does not hold it" if ca_path else "ca_path names none"
        return (
            f"name the authority that signed its certificate in ca_path ({known}); that of a pipeline is in "
            "<cdc_home>/trust"
        )
    return "name the authority that signed its certificate in ca_path, or the client's own in client_cert"


_REMEDIES = {
    301: "state the address that it redirects to in the option url",
    302: "state the address that it redirects to in the option url",
    307: "state the address that it redirects to in the option url",
    308: "state the address that it redirects to in the option url",
    401: "check the options username and password",
    403: "the user lacks the right to do this; use one that has it",
    404: "check the option url",
    500: "look at the server's log",
}
