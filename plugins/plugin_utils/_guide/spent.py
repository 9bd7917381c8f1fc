# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the time of a run went: by phase and component, and how much of it was waiting."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from dataclasses import dataclass

# What takes less, in seconds or as a share of the whole, has no line of its own.
_LEAST_SECONDS = 1.0
_LEAST_SHARE = 0.03


@dataclass(frozen=True)
class Part:
    """What a step belongs to: a phase, which is a play, and a component, which is a role; "" for none."""

    phase: str = ""
    component: str = ""


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock: all of them, and those of waiting for a server, a download, another host or a processor."""

    took: float = 0.0
    waited: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.took + other.took, self.waited + other.waited)


def spent(took: float, worked: float) -> Spent:
    """What one step spent; ``worked`` is the CPU time of Ansible and of what it ran on this host, in seconds.

    Two processors may work more than a second in a second, which makes the waiting of no other step shorter.
    """
    return Spent(took, max(0.0, took - worked))


def processor_seconds() -> float:
    """CPU time that this process and its children have taken so far, those of children that ended included."""
    # A child's time is added when its end is noticed, which this does.
    multiprocessing.active_children()
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def table(parts: Mapping[Part, Spent], total: float) -> list[str]:
    """Lines that show the largest parts, in the order in which the phases came.

    :param total: seconds of the whole run.
    """
    least = max(_LEAST_SECONDS, _LEAST_SHARE * total)
    rows: list[tuple[str, Spent]] = []
    for phase in dict.fromkeys(part.phase for part in parts):
        components = {part.component: each for part, each in parts.items() if part.phase == phase}
        whole = sum(components.values(), Spent())
        if whole.took < least:
            continue
        rows.append((phase, whole))
        largest = sorted(components.items(), key=lambda item: -item[1].took)
        rows += [(f"  {name}", each) for name, each in largest if name and each.took >= least]
    if not rows:
        return []
    width = max(len(name) for name, _each in rows)
    head = f"{'seconds':<{width}}  {'took':>6}  {'waiting':>7}"
    return [head, *(f"{name:<{width}}  {each.took:>6.0f}  {each.waited:>7.0f}" for name, each in rows)]
