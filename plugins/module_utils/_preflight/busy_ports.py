# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ports that somebody else has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from .._workload.ports import Listener, listeners
from .problem import Problem

Look = Callable[[Sequence[int]], Mapping[int, list[Listener]]]


def busy_ports(ports: Sequence[Mapping[str, Any]], own: Collection[int], look: Look = listeners) -> Iterator[Problem]:
    """A problem for each process outside of the instance that listens on its ports.

    :param ports: `{"port": 9092, "listener": "kafka-0 (client)"}`.
    :param own: ids of the instance's processes.
    """
    found = look([item["port"] for item in ports])
    wanted: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for item in ports:
        for stranger in found.get(item["port"], []):
            if stranger.pid not in own:
                wanted.setdefault((stranger.pid, str(stranger)), []).append(item)
    for (pid, stranger), items in wanted.items():
        numbers = ", ".join(str(item["port"]) for item in items)
        end = f"end it (kill {pid})" if pid else f"find it (sudo ss -ltnp sport = :{items[0]['port']}) and end it"
        yield Problem(
            "port",
            f"{'Port' if len(items) == 1 else 'Ports'} {numbers}, wanted by {_listed(items)}, taken by another program",
            found=stranger,
            remedy=f"{end}, or move the whole instance with cdc_port_offset",
        )


def _listed(items: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(str(item["listener"]).partition(" ")[0] for item in items))
