"""The three kinds of probe, each a single attempt with a time limit."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cdc_pipeline.supervise.replica import Replica, identity

if TYPE_CHECKING:
    import http.client

_SHOWN = 300
# Of an answer, as of a service that lists what is stuck.
_MOST_BYTES = 4 * 1024**2


@dataclass(frozen=True)
class Result:
    """What a probe found; ``detail`` is one line for people, ``body`` the beginning of an answer in JSON."""

    ok: bool
    detail: str
    body: str = field(default="", compare=False, repr=False)


def check(replica: Replica, probe: Mapping[str, Any]) -> Result:
    """One attempt of ``probe`` on ``replica``. Never raises: what goes wrong is the result."""
    timeout = float(probe["timeout_seconds"])
    try:
        if "tcp" in probe:
            return _tcp(probe["tcp"], timeout)
        if "http" in probe:
            return _http(probe["http"], timeout)
        return _exec(replica, probe["exec"], timeout)
    except (OSError, KeyError, ValueError) as error:
        return Result(False, _line(error))


def _line(error: object) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _tcp(target: Mapping[str, Any], timeout: float) -> Result:
    address = f"{target['host']}:{target['port']}"
    try:
        with socket.create_connection((target["host"], target["port"]), timeout):
            return Result(True, f"{address} accepts connections")
    except OSError as error:
        return Result(False, f"{address}: {_line(error)}")


def _http(target: Mapping[str, Any], timeout: float) -> Result:
    import http.client

    shown = f"GET {target.get('scheme', 'http')}://{target['host']}:{target['port']}{target['path']}"
    try:
        connection = _connection(target, timeout)
    except OSError as error:
        return Result(False, f"{shown}: cannot read the authorities in {target.get('ca')}: {_line(error)}")
    try:
        headers = {**target["headers"], **_authorization(target.get("login")), "Connection": "close"}
        connection.request("GET", target["path"], headers=headers)
        response = connection.getresponse()
        # A kubelet calls 200 to 399 healthy.
        ok = 200 <= response.status < 400
        detail = f"{shown}: {response.status}"
        body = ""
        if not ok or response.headers.get_content_type() == "application/json":
            body = _body(response, ok)
        if not ok:
            detail += " " + _line(body[: 2 * _SHOWN])
        return Result(ok, detail, body)
    except (OSError, http.client.HTTPException) as error:
        return Result(False, f"{shown}: {_line(error)}")
    finally:
        connection.close()


def _body(response: http.client.HTTPResponse, ok: bool) -> str:
    """
    Raises:
        OSError, http.client.HTTPException: it cannot be read, and the status was not good.
    """
    import http.client

    try:
        return response.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        # The status was the answer.
        if ok:
            return ""
        raise


def _authorization(file: str | None) -> dict[str, str]:
    """What signs a probe in. Without it, a service tells a status alone; so a file that is wrong fails no probe."""
    if not file:
        return {}
    import base64
    import json

    try:
        with open(file, encoding="utf-8") as opened:
            login = json.load(opened)
        signed = base64.b64encode(f"{login['username']}:{login['password']}".encode()).decode()
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {"Authorization": f"Basic {signed}"}


def _connection(target: Mapping[str, Any], timeout: float) -> http.client.HTTPConnection:
    """
    Raises:
        OSError: the file of authorities cannot be read, or holds no certificate.
        ValueError: no such scheme.
    """
    import http.client

    scheme, ca = target.get("scheme", "http"), target.get("ca")
    if scheme == "http":
        return http.client.HTTPConnection(target["host"], target["port"], timeout=timeout)
    if scheme != "https":
        raise ValueError(f"the scheme of a probe is http or https, not {scheme}")
    import ssl

    if ca:
        context = ssl.create_default_context(cafile=ca)
    else:
        # As a kubelet does: the probe asks whether the replica is well, not who it is.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(target["host"], target["port"], timeout=timeout, context=context)


def _exec(replica: Replica, command: list[str], timeout: float) -> Result:
    who = identity(replica.start.user)
    options: dict[str, Any] = {}
    if who is not None:
        options = {"user": who.uid, "group": who.gid, "extra_groups": who.groups}
    process = subprocess.Popen(
        command,
        env=dict(replica.start.env),
        cwd=replica.start.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **options,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Result(False, f"{command[0]} did not end within {timeout:g} s")
    said = _line(output.decode("utf-8", "replace").strip()) if output.strip() else ""
    ending = f"exit status {process.returncode}" + (f": {said}" if said else "")
    return Result(process.returncode == 0, ending)
