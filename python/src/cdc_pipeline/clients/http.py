"""HTTP clients: of the schema registry, Kafka Connect, and the services' own interfaces."""

from __future__ import annotations

import base64
import http.client
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx

from cdc_pipeline.clients.trust import tls_context
from cdc_pipeline.endpoints import Endpoints, Login

# A server that has just started on a busy host has been seen to take more than 10 s.
SECONDS = 30.0


def client(
    url: str, login: Login | None = None, ca: str = "", seconds: float = SECONDS, **options: Any
) -> httpx.Client:
    """A client whose requests name paths below ``url``. Proxies in the environment are not used.

    Args:
        seconds: that a request may take, unless it says otherwise.
        options: of httpx.Client, such as ``transport`` in tests.

    Raises:
        OSError: ``ca`` cannot be read.
    """
    return httpx.Client(
        base_url=url,
        auth=(login.username, login.password) if login else None,
        verify=tls_context(ca),
        timeout=seconds,
        trust_env=False,
        **options,
    )


def get_over(
    connection: socket.socket,
    host: str,
    path: str,
    seconds: float = SECONDS,
    login: Login | None = None,
    ca: str | None = None,
) -> bytes:
    """The body of an answer to a GET, whatever its status; as :func:`answer_over`."""
    return answer_over(connection, host, path, seconds, login, ca)[1]


def answer_over(
    connection: socket.socket,
    host: str,
    path: str,
    seconds: float = SECONDS,
    login: Login | None = None,
    ca: str | None = None,
) -> tuple[int, bytes]:
    """Status and body of an answer to a GET over a connection that is there already, such as a tunnel.

    Args:
        host: as the request names it, and the certificate has to.
        ca: as of :func:`client`; None for HTTP without encryption.

    Raises:
        OSError: nothing answers in time, what answers is no HTTP, or it is not to be trusted.
    """
    connection.settimeout(seconds)
    headers = {"Connection": "close"}
    if login:
        signed = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        headers["Authorization"] = f"Basic {signed}"
    asked = http.client.HTTPConnection(host)
    asked.sock = connection if ca is None else tls_context(ca).wrap_socket(connection, server_hostname=host)
    try:
        asked.request("GET", path, headers=headers)
        answer = asked.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from None


def client_of_all(endpoints: Endpoints, seconds: float = SECONDS) -> httpx.Client:
    """A client whose requests name whole URLs of any endpoint, each with its own authorities. It signs nobody in.

    Raises:
        OSError: a file of authorities cannot be read.
    """
    at = endpoints
    trusted = dict.fromkeys(at.kafka_connect.workers, at.kafka_connect.ca)
    trusted |= {each.url: each.ca for each in (at.schema_registry, at.archive, at.connectors)}
    mounts = {
        f"https://{urlsplit(url).netloc}": httpx.HTTPTransport(verify=tls_context(ca), trust_env=False)
        for url, ca in trusted.items()
        if ca
    }
    return httpx.Client(verify=tls_context(), timeout=seconds, trust_env=False, mounts=mounts)
