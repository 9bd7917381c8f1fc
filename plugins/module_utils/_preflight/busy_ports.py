# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ports that somebody else has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from .._ports import Listener, listeners
from .._problem import Problem

Look = Callable[[Sequence[int]], Mapping[int, list[Listener]]]


def busy_ports(
    ports: Sequence[Mapping[str, Any]], own: Callable[[], Collection[int]], look: Look = listeners
) -> Iterator[Problem]:
    """A problem for each process outside of the instance that listens on its ports.

    Processes and ports are read one after the other while the instance's own processes come and go, so a stranger is
    one that a second look finds where the first found it.

    :param ports: `{"port": 9092, "listener": "kafka-0 (client)"}`.
    :param own: gives the ids of the instance's processes.
    """
    numbers = [item["port"] for item in ports]
    strangers = _strangers(numbers, own, look)
    if strangers:
        strangers &= _strangers(numbers, own, look)
    wanted: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for item in ports:
        for stranger in sorted((found for found in strangers if found.port == item["port"]), key=lambda who: who.pid):
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


def _strangers(ports: Sequence[int], own: Callable[[], Collection[int]], look: Look) -> set[Listener]:
    ours = own()
    return {found for each in look(ports).values() for found in each if found.pid not in ours}


def _listed(items: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(str(item["listener"]).partition(" ")[0] for item in items))
