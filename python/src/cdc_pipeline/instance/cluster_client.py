"""The cluster's API by the official client: requests, and commands in pods."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import urllib3
from kubernetes import client, config, stream
from kubernetes.client.exceptions import ApiException, OpenApiException
from kubernetes.stream.ws_client import ERROR_CHANNEL

from cdc_pipeline.instance.answer import ClusterError, Output
from cdc_pipeline.instance.plan_cluster import ClusterAccess
from cdc_pipeline.instance.tunnel import TunnelError, tunnel

_SECONDS = 10.0
_CHUNK = 8 * 1024
# In what a refused upgrade to a websocket says.
_MESSAGE = re.compile(r'"message":("(?:[^"\\]|\\.)*")')


class Client:
    """May be used by several threads.

    Raises:
        ClusterError: there is no kubeconfig, or it has no such context.
    """

    def __init__(self, where: ClusterAccess) -> None:
        self._configuration = client.Configuration()
        try:
            config.load_kube_config(where.kubeconfig or None, where.context or None, self._configuration)
        except (config.ConfigException, OSError) as error:
            place = where.kubeconfig or "the default place"
            raise ClusterError(f"no cluster by the kubeconfig of {place}: {error}") from None
        # By default each request to a cluster that is down is tried four times.
        self._configuration.retries = urllib3.Retry(1, backoff_factor=0.5)
        self._api = client.ApiClient(self._configuration)

    def request(
        self, method: str, path: str, query: Sequence[tuple[str, object]], headers: Mapping[str, str], body: object
    ) -> Any:
        """The answer, as data.

        Raises:
            ClusterError: the API refuses, or does not answer.
        """
        try:
            return self._api.call_api(
                path,
                method,
                query_params=list(query),
                header_params={"Accept": "application/json", **headers},
                body=body,
                response_type="object",
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _request_timeout=_SECONDS,
            )
        except OpenApiException as error:
            raise _explained(error) from None
        except urllib3.exceptions.HTTPError as error:
            raise self._silent(error) from None

    def execute(
        self, namespace: str, pod: str, container: str, command: Sequence[str], seconds: float, text: str = ""
    ) -> Output:
        """Runs a command in a container, the pod's first where none is named.

        Args:
            text: what the command gets as its input, which has no end: the command must know when to end.

        Raises:
            ClusterError: it cannot be run, or takes too long.
        """
        # The library puts another method into the client for the time of the call, so each gets one of its own.
        api = client.CoreV1Api(client.ApiClient(self._configuration))
        options: dict[str, Any] = {"container": container} if container else {}
        try:
            inside = stream.stream(
                api.connect_get_namespaced_pod_exec,
                pod,
                namespace,
                command=list(command),
                stdin=bool(text),
                stdout=True,
                stderr=True,
                tty=False,
                _preload_content=False,
                **options,
            )
        except OpenApiException as error:
            raise _explained(error) from None
        try:
            if text:
                inside.write_stdin(text)
            inside.run_forever(timeout=seconds)
            if inside.is_open():
                raise ClusterError(f"{' '.join(command)} in pod {pod} takes longer than {seconds:.0f} s")
            return Output(_code(inside.read_channel(ERROR_CHANNEL), pod), inside.read_stdout(), inside.read_stderr())
        finally:
            inside.close()

    def log(
        self, namespace: str, pod: str, container: str, lines: int | None, since: dt.datetime | None, follow: bool
    ) -> Iterator[str]:
        """The lines of a container's log; all where ``lines`` is None.

        Raises:
            ClusterError: the API refuses, or does not answer.
        """
        options: dict[str, Any] = {} if lines is None else {"tail_lines": lines}
        if since is not None:
            # The API takes a whole number that is not zero.
            options["since_seconds"] = max(1, math.ceil((dt.datetime.now(dt.UTC) - since).total_seconds()))
        try:
            answer = client.CoreV1Api(self._api).read_namespaced_pod_log(
                pod,
                namespace,
                container=container,
                follow=follow,
                _preload_content=False,
                _request_timeout=(_SECONDS, None if follow else _SECONDS),
                **options,
            )
            rest = b""
            for data in answer.stream(_CHUNK):
                *whole, rest = (rest + data).split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in whole)
            if rest:
                yield rest.decode("utf-8", "replace")
        except OpenApiException as error:
            raise _explained(error) from None
        except urllib3.exceptions.HTTPError as error:
            raise self._silent(error) from None

    def tunnel(self, path: str, port: int, connection: socket.socket) -> None:
        """Carries everything between a connection and a pod's port until one of them closes.

        Args:
            path: of the pod.

        Raises:
            ClusterError: the API or the pod refuses.
        """
        # As for execute, each gets a client of its own.
        try:
            tunnel(client.ApiClient(self._configuration), self._configuration.host + path, port, connection)
        except TunnelError as error:
            raise ClusterError(str(error)) from None

    def _silent(self, error: urllib3.exceptions.HTTPError) -> ClusterError:
        cause = getattr(error, "reason", None) or error
        return ClusterError(f"the cluster's API at {self._configuration.host} does not answer: {cause}")


def _code(text: str, pod: str) -> int:
    """The exit code in the status that ends an exec."""
    try:
        status = json.loads(text)
    except ValueError:
        raise ClusterError(f"the connection to pod {pod} broke") from None
    if status.get("status") == "Success":
        return 0
    causes = status.get("details", {}).get("causes", ())
    for each in causes:
        if each.get("reason") == "ExitCode":
            return int(each["message"])
    raise ClusterError(f"nothing can be run in pod {pod}: {status.get('message', text)}")


def _explained(error: OpenApiException) -> ClusterError:
    """The API's own sentence, without headers and bodies."""
    if not isinstance(error, ApiException):
        return ClusterError(str(error))
    try:
        message = json.loads(error.body or "")["message"]
    except (ValueError, KeyError, TypeError):
        text = f"{error.reason or ''} {error.body or ''}".strip()
        found = _MESSAGE.search(text)
        message = json.loads(found[1]) if found else f"the cluster does not answer: {text[:300]}"
    return ClusterError(message, error.status or 0)
