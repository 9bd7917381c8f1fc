# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Host ports, looked at before kind finds out after half a minute that one is taken."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from .._errors import FailedError
from .._ports import listeners
from .wanted import HostPort


def check_free(ports: Iterable[HostPort]) -> None:
    """
    Raises:
        FailedError: one is taken, or its address is not this host's.
    """
    taken: list[HostPort] = []
    for port in ports:
        error = _try(port)
        if error == errno.EADDRNOTAVAIL:
            raise FailedError(
                f"{port.address} is not an address of this host, but the cluster's ports must listen on it",
                remedy="Set cdc_external_host to an address of the machine that the cluster is made on.",
            )
        if error == errno.EADDRINUSE:
            taken.append(port)
    if taken:
        holders = listeners(port.port for port in taken)
        raise FailedError(
            f"Host ports of the cluster are taken: {', '.join(map(str, taken))}",
            why="\n".join(f"{port}: {'; '.join(map(str, held))}" for port, held in sorted(holders.items())),
            remedy="Stop the programs that use them, or move the pipeline's ports with cdc_port_offset.",
        )


def _try(port: HostPort) -> int:
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family) as probe:
        # As a server would: connections that have ended do not keep it away.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.port))
        except OSError as error:
            return error.errno or 0
    return 0
