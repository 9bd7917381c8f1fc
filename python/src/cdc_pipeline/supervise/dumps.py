"""Keeps the memory of processes, in which passwords and keys are, out of core files."""

from __future__ import annotations

import resource

# No core fits into one byte. A limit of 0 would still have one piped to a program that core_pattern names (core(5)).
_BYTES = 1


def forbid() -> None:
    """For this process and all that it starts from now on, for good: the hard limit goes down with the soft one."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    bound = _BYTES if hard == resource.RLIM_INFINITY else min(_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_CORE, (bound, bound))
