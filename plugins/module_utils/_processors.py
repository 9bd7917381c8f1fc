# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which processors of its host a process may run on. Linux only."""

from __future__ import annotations

import contextlib
import os


def use_all_processors() -> None:
    """Let this process, and so what it starts, run on all processors that the first process of its host may use.

    What runs a module may be tied to some of them, as by Mitogen.
    """
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, os.sched_getaffinity(1))
