"""What becomes of memory that is freed."""

from __future__ import annotations

import contextlib
import ctypes

# glibc's mallopt, see its manual: from which size on memory comes from the system by itself, and
# how much of what is freed stays with the process.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
LARGEST = 1 << 25  # bytes: glibc allows no more
KEPT = 1 << 28


def keep_freed() -> None:
    """Memory that is freed stays with the process, where the C library lets one say so.

    Blocks, of a stream or of a matrix, need the same few megabytes again and again; given back in
    between, every page of them would be fetched and cleared anew.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # other libraries mean other things by numbers
        library.mallopt(_MMAP_THRESHOLD, LARGEST)
        library.mallopt(_TRIM_THRESHOLD, KEPT)
