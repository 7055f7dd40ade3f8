"""A file that one run at a time writes: a lock of the system's, which ends with the process."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def take(descriptor: int) -> bool:
    """Whether an open file is this run's alone from now on, until it is closed or the process ends.

    Where a file system has no locks, every run is taken for the only one.
    """
    if sys.platform == "win32":
        import msvcrt

        try:
            os.lseek(descriptor, _BEYOND, os.SEEK_SET)  # nobody can read what is locked there
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def is_still(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one of this name: another run may have renamed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


_BEYOND = 1 << 62  # a byte that no file has; Windows locks it nevertheless
