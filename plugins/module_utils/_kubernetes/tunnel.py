# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One connection to a pod's port through the API server.

The client library has such a thing; it loses what is still on its way when a server closes a connection. The services
have this file, too, by a link: it imports nothing of either side.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from typing import Any

try:
    from kubernetes.stream.ws_client import create_websocket, get_websocket_url
    from websocket import ABNF, WebSocketException
except ImportError:  # Who made the client has said so before.
    ABNF = None

    class WebSocketException(Exception):
        """Stands in where the library is missing."""


_DATA, _ERROR = 0, 1
_CHUNK = 16 * 1024
# What waits for a slow reader; more is not read from the other side then.
_MOST_WAITING = 1024 * 1024
_IDLE_SECONDS = 20.0


class TunnelError(Exception):
    """The tunnel could not be made, or the pod refused."""


def tunnel(api: Any, pod_url: str, port: int, client: socket.socket) -> None:
    """Carries everything between ``client`` and the pod until one of them closes.

    Args:
        api: the library's ApiClient.
        pod_url: of the pod, at the API server.

    Raises:
        TunnelError: it could not be made.
    """
    headers: dict[str, str] = {}
    api.update_params_for_auth(headers, [], ["BearerToken"])
    try:
        url = get_websocket_url(f"{pod_url}/portforward", [("ports", str(port))])
        remote = create_websocket(api.configuration, url, headers)
    except (OSError, WebSocketException) as error:
        raise TunnelError(str(error)) from error
    try:
        _carry(remote, client)
    except (OSError, WebSocketException) as error:
        raise TunnelError(str(error)) from error
    finally:
        with contextlib.suppress(OSError, WebSocketException):
            remote.close()


def _carry(remote: Any, client: socket.socket) -> None:
    to_client, to_remote = b"", b""
    # Each channel begins with a frame that names the port.
    greeted: set[int] = set()
    remote_open = client_open = True
    while remote_open or to_client:
        reading = [remote.sock] if remote_open and len(to_client) < _MOST_WAITING else []
        if client_open and remote_open and len(to_remote) < _MOST_WAITING:
            reading.append(client)
        writing = ([client] if to_client else []) + ([remote.sock] if to_remote and remote_open else [])
        waiting = remote_open and isinstance(remote.sock, ssl.SSLSocket) and remote.sock.pending() > 0
        readable, writable, _failed = select.select(reading, writing, [], 0 if waiting else _IDLE_SECONDS)
        if not readable and not writable and not waiting:
            remote.ping()
        if remote_open and (waiting or remote.sock in readable):
            opcode, frame = remote.recv_data_frame(True)
            if opcode == ABNF.OPCODE_CLOSE:
                remote_open = False
            elif opcode == ABNF.OPCODE_BINARY and frame.data:
                channel, data = frame.data[0], frame.data[1:]
                if channel not in greeted:
                    greeted.add(channel)
                elif channel == _DATA:
                    to_client += data
                elif channel == _ERROR:
                    raise TunnelError(data.decode("utf-8", "replace"))
        if client in readable:
            data = client.recv(_CHUNK)
            if data:
                to_remote += ABNF.create_frame(bytes([_DATA]) + data, ABNF.OPCODE_BINARY).format()
            else:
                client_open = False
        if remote_open and remote.sock in writable:
            to_remote = to_remote[remote.sock.send(to_remote[:_CHUNK]) :]
        if client in writable:
            to_client = to_client[client.send(to_client[:_CHUNK]) :]
        if not client_open and not to_remote:
            # The protocol has no way to close one direction alone.
            return
