"""The controller's side of a move: streams a folder into a pod, by the cluster's API alone."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config, stream
from kubernetes.client.exceptions import OpenApiException
from kubernetes.stream.ws_client import ERROR_CHANNEL, STDERR_CHANNEL, STDOUT_CHANNEL
from websocket import WebSocketException

from cdc_pipeline.move.tree import Summary, TreeError, pack, summary

# What one websocket message carries; the kubelet takes larger ones apart again.
_MESSAGE = 1 << 16
_ANSWER_SECONDS = 600.0
# A process that takes nothing for so long has ended, which the cluster does not always tell.
_TAKE_SECONDS = 60.0


@dataclass(frozen=True)
class Place:
    """A namespace of a cluster; empty for the kubeconfig's default place and its current context."""

    kubeconfig: str
    context: str
    namespace: str

    def pods(self) -> client.CoreV1Api:
        """Raises:
        TreeError: there is no such kubeconfig, or no such context in it.
        """
        configuration = client.Configuration()
        try:
            config.load_kube_config(self.kubeconfig or None, self.context or None, configuration)
        except (config.ConfigException, OSError) as error:
            raise TreeError(f"no cluster by the kubeconfig {self.kubeconfig}: {error}") from error
        return client.CoreV1Api(client.ApiClient(configuration))


class _Stdin(io.RawIOBase):
    """The standard input of a process in a pod."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        for start in range(0, len(view), _MESSAGE):
            try:
                # The connection may stay open when the process has ended, but its exit is told.
                if self._socket.peek_channel(ERROR_CHANNEL) or not self._socket.is_open():
                    raise BrokenPipeError("the process in the pod has ended")
                self._socket.write_stdin(bytes(view[start : start + _MESSAGE]))
            except (WebSocketException, OSError) as error:
                raise BrokenPipeError(f"the process in the pod no longer reads: {error}") from error
        return len(view)


def ask(place: Place, pod: str, command: Sequence[str], folder: Path | None = None) -> dict[str, Any]:
    """What a command of this tool says that runs in ``pod``; with ``folder``, that is its input.

    Raises:
        TreeError: it fails, and why.
    """
    try:
        socket = stream.stream(
            # The library puts another method into the client for the time of the call, so each gets one of its own.
            place.pods().connect_get_namespaced_pod_exec,
            pod,
            place.namespace,
            command=list(command),
            stdin=folder is not None,
            stdout=True,
            stderr=True,
            tty=False,
            _preload_content=False,
        )
    except OpenApiException as error:
        raise TreeError(f"nothing can be run in the pod {pod}: {error}") from error
    seconds = _ANSWER_SECONDS
    try:
        if folder is not None:
            socket.sock.settimeout(_TAKE_SECONDS)
            try:
                pack(folder, _Stdin(socket))
            except BrokenPipeError:
                # It says itself why it has ended, if at all.
                seconds = _TAKE_SECONDS
        deadline = time.monotonic() + seconds
        with contextlib.suppress(WebSocketException, OSError):
            while not socket.peek_channel(ERROR_CHANNEL, timeout=5) and time.monotonic() < deadline:
                if not socket.is_open():
                    break
        out, err = socket.read_channel(STDOUT_CHANNEL), socket.read_channel(STDERR_CHANNEL)
        status = json.loads(socket.read_channel(ERROR_CHANNEL) or "{}")
    finally:
        socket.close()
    if status.get("status") != "Success":
        raise TreeError(f"{pod}: {(err or out or status.get('message') or 'the connection broke').strip()}")
    return json.loads(out)


def send(place: Place, pod: str, tool: Sequence[str], source: Path, target: str) -> tuple[bool, Summary]:
    """Brings ``source`` to the folder ``target`` in ``pod``: whether anything was sent, and what is there now.

    Raises:
        TreeError: the volume has other data, or what arrived is not what was sent.
    """
    here = summary(source)
    there = ask(place, pod, [*tool, "state", target])
    if there["state"] == "arrived" and there["digest"] == here.digest:
        return False, here
    if there["state"] == "foreign":
        raise TreeError(
            f"{pod}: {target} has data that this move did not bring, and is not overwritten. To start over, remove "
            "what is in the cluster: `make destroy` with the cluster's INVENTORY and ARGS='-e destroy_data=true'"
        )
    told = ask(place, pod, [*tool, "receive", target], source)
    if told["digest"] != here.digest or summary(source) != here:
        raise TreeError(
            f"{pod}: {told['files']} files of {told['bytes']} bytes arrived, which are not the {here.files} of "
            f"{here.bytes} in {source}: does a process still write there?"
        )
    return True, here
