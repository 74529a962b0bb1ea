"""Keeps freed memory for the next tensor: without it, glibc hands every large activation back to the kernel,
and half the time of a forward pass goes into having its pages zeroed again."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
from pathlib import Path

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_MMAP_AT_MOST = 32 * 2**20
"""Largest threshold that glibc accepts."""


_PROC = Path("/proc")


def resident_bytes(process: int | None = None) -> int | None:
    """Memory that a process holds, in bytes; None where the system does not say.

    process: its number; by default this one.
    """
    number = os.getpid() if process is None else process
    try:
        return int((_PROC / str(number) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):  # no Linux, or it has just ended
        return None


def keep_freed_memory() -> None:
    """Makes the process keep freed memory, for good; does nothing where the C library is not glibc."""
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_MMAP_THRESHOLD, _MMAP_AT_MOST)
    mallopt(_TRIM_THRESHOLD, 2**30)
    mallopt(_TOP_PAD, 64 * 2**20)


def return_freed_memory() -> None:
    """Hands freed memory back to the kernel, after something large was dropped; does nothing without glibc."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
