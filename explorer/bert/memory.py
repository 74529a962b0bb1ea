"""Keeps freed memory for the next tensor: without it, glibc hands every large activation back to the kernel,
and half the time of a forward pass goes into having its pages zeroed again."""

from __future__ import annotations

import ctypes
import gc
import platform

import psutil

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_MMAP_AT_MOST = 32 * 2**20
"""Largest threshold that glibc accepts."""


def resident_bytes() -> int:
    """Measures the memory that this process holds, in bytes."""
    return int(psutil.Process().memory_info().rss)


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
