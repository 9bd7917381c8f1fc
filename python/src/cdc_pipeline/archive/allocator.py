"""How glibc hands out memory, and that it gives it back."""

from __future__ import annotations

import ctypes
import sys

_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1
_ARENAS = 2
_LARGE = 256 << 10
"""Blocks of this size have pages of their own, which go back to the system when the block is freed.

glibc raises this by itself, up to 32 MiB, when such a block is freed. Large rows would then lie between small objects,
and their place would neither be given back nor fit the next row."""


def settle() -> None:
    """To be called before threads are started; does nothing without glibc."""
    if libc := _libc():
        libc.mallopt(_ARENA_MAX, _ARENAS)
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_TRIM_THRESHOLD, 2 * _LARGE)


def trim() -> None:
    """Give back what is free. Takes milliseconds, so it is for after something large."""
    if libc := _libc():
        libc.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
