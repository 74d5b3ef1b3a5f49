"""Memory after a start: what was only needed to get going is given back, and what stays is left alone from then on."""

from __future__ import annotations

import ctypes
import gc


def start() -> None:
    """To be called before a process loads what it needs: most of it stays, and the collector need not look for more.

    `settle` ends it.
    """
    gc.disable()


def settle() -> None:
    """To be called once, when a process is ready.

    What lives now lives on, so the collector need not visit it again (`gc.freeze`), and the freed remains of the start
    go back to the kernel (`malloc_trim`, where the C library is glibc).
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
