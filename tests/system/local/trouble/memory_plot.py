# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plots what processes take of their memory while a test runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MIB = 1024**2
_BARS = " ▁▂▃▄▅▆▇█"
_COLUMNS = 60


def resident(pid: int) -> int:
    """Bytes of memory that a process takes; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)


def plot(samples: list[int], limit: int) -> str:
    """One line of bars: each is the most of its part of the time, and a whole one is the limit."""
    parts = [samples[i * len(samples) // _COLUMNS : (i + 1) * len(samples) // _COLUMNS] for i in range(_COLUMNS)]
    highest = [max(part) for part in parts if part]
    return "".join(_BARS[min(len(_BARS) - 1, -(-value * (len(_BARS) - 1) // limit))] for value in highest)


@contextmanager
def plotted(processes: Mapping[str, tuple[int, int]], every: float = 0.5) -> Iterator[list[str]]:
    """The lines, which are there afterwards.

    Args:
        processes: process id and limit in bytes of each, by name.
        every: seconds between two samples.
    """
    samples: dict[str, list[int]] = {name: [] for name in processes}
    ended = threading.Event()

    def sample() -> None:
        while True:
            for name, (pid, _limit) in processes.items():
                samples[name].append(resident(pid))
            if ended.wait(every):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    lines: list[str] = []
    try:
        yield lines
    finally:
        ended.set()
        thread.join()
        for name, (_pid, limit) in processes.items():
            found = samples[name]
            lines.append(
                f"{name:16} |{plot(found, limit)}| {max(found) // MIB} of {limit // MIB} MiB at most,"
                f" {len(found) * every:.0f} s"
            )
