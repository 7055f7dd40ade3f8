"""A file in the making: FILE.part, and FILE.part.json, which says how far it goes.

Both are names that others may have put something under. So nothing is written through a link, into
a file of somebody else, or into one that has another name as well; and one run at a time has them.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import IO

from autograd_cli.errors import FileError
from autograd_cli.render import lock
from autograd_cli.render.output import mode_of
from autograd_cli.render.streams.state import State, is_state

PART = ".part"
STATE = ".part.json"
LONGEST = 1 << 24  # bytes of a state: the expression is in it, of a million characters at most
ATTEMPTS = 100  # other runs that may end between opening and locking

_OPEN_STAYS = os.name == "nt"  # there, a file keeps its name for as long as it is open
_OWN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = _OWN | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Part:
    """The part of `target` as this run's own, from when it is made until it is closed.

    Raises: FileError where another run has it, or it is none of ours; OSError.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + PART)
        self.state_path = target.with_name(target.name + STATE)
        self._kept: int | None = None
        self._descriptor: int | None = self._claimed()
        self._file: IO[bytes] | None = None
        try:
            # The file that will be replaced is held as well: nobody appends to it meanwhile.
            if not _OPEN_STAYS:
                with contextlib.suppress(OSError):
                    self._kept = os.open(target, os.O_RDONLY | _NO_LINK)
            if self._kept is not None and not lock.take(self._kept):
                raise another_run(target)
        except BaseException:
            self.release()
            raise

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        """How many bytes it has."""
        assert self._descriptor is not None
        return os.fstat(self._descriptor).st_size

    def ends_a_line(self, length: int) -> bool:
        """Whether a line ends after so many bytes, or nothing stands before them."""
        assert self._descriptor is not None
        if not length:
            return True
        os.lseek(self._descriptor, length - 1, os.SEEK_SET)
        return os.read(self._descriptor, 1) == b"\n"

    def _claimed(self) -> int:
        for _ in range(ATTEMPTS):
            descriptor = self._opened()
            try:
                if not lock.take(descriptor):
                    raise another_run(self.target)
                if lock.is_still(descriptor, self.path):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # its run ended meanwhile, and took it along
        raise another_run(self.target)

    def _opened(self) -> int:
        _refuse_link(self.path)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o666)
        try:
            _refuse_foreign(self.path, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    # State ----------------------------------------------------------------------------------------

    def state(self) -> State | None:
        """How far an interrupted run came, if that is known. Raises FileError for what no run
        wrote, OSError."""
        text = self._state_text()
        try:
            return None if text is None else State.of_text(text)
        except ValueError as error:
            raise self._no_state(error) from None

    def check_state(self) -> None:
        """Raises FileError where something stands that would be lost, and is no state of a run; one
        without a part, of any version, may go."""
        text = self._state_text()
        if text is not None and not is_state(text):
            raise self._no_state(ValueError("it is something else"))

    def has_rows(self) -> bool:
        """Whether it is known how far the rows go that it has."""
        try:
            state = self.state()
        except (FileError, OSError):
            return False
        return state is not None and state.rows > 0

    def _state_text(self) -> str | None:
        _refuse_link(self.state_path)
        try:
            descriptor = os.open(self.state_path, os.O_RDONLY | _NO_LINK)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            _refuse_foreign(self.state_path, os.fstat(descriptor))
            text = file.read(LONGEST + 1)
        try:
            if len(text) > LONGEST:
                raise ValueError("it is too long")
            return text.decode("utf-8")
        except ValueError as error:
            raise self._no_state(error) from None

    def _no_state(self, error: ValueError) -> FileError:
        return FileError(
            f"{self.state_path.name!r} says of no run how far it came: {error}",
            hint="remove or rename it, or write to another file",
        )

    def save(self, state: State) -> None:
        """Writes how far it goes, all or nothing. Raises OSError."""
        descriptor, name = tempfile.mkstemp(
            prefix=f".{self.state_path.name[:100]}.", suffix=".tmp", dir=self.path.parent
        )
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(state.text())
            temporary.replace(self.state_path)
        except OSError:  # a full disk: what stands there is older, but true
            temporary.unlink(missing_ok=True)
            raise

    # Writing --------------------------------------------------------------------------------------

    def begin(self, length: int) -> IO[bytes]:
        """The file, to be written from `length` on: what stands behind that is dropped."""
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, length)
        os.lseek(self._descriptor, length, os.SEEK_SET)
        if not length:
            self.state_path.unlink(missing_ok=True)  # of another run
            with contextlib.suppress(OSError):  # some file systems have no permissions
                self.path.chmod(mode_of(self.target))
        self._file = os.fdopen(self._descriptor, "wb")
        return self._file

    def finish(self) -> None:
        """All is written: the file takes its name. Raises OSError."""
        self.state_path.unlink(missing_ok=True)
        if _OPEN_STAYS:
            self.close()
        self.path.replace(self.target)
        self.close()

    def release(self) -> None:
        """Nothing was begun: it stays as it was."""
        if self.size:
            self.close()
        else:
            self._remove(self.path)

    def remove(self) -> None:
        """Nothing was written: nothing stays."""
        self._remove(self.path, self.state_path)

    def _remove(self, *paths: Path) -> None:
        if _OPEN_STAYS:
            self.close()
        for path in paths:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Lets others have it."""
        with contextlib.suppress(OSError):  # what could not be written cannot be now
            if self._file is not None:
                self._file.close()
            elif self._descriptor is not None:
                os.close(self._descriptor)
        if self._kept is not None:
            os.close(self._kept)
        self._file = self._descriptor = self._kept = None


def another_run(target: Path) -> FileError:
    """The error for a file that two runs want to write."""
    return FileError(
        f"another run is writing {str(target)!r}", hint="wait for it, or write to another file"
    )


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise FileError(
            f"{str(path)!r} is a link, and nothing is written through it",
            hint="remove it, or write to another file",
        )


def _refuse_foreign(path: Path, status: os.stat_result) -> None:
    """Raises FileError for a file that no run of this user's has made."""
    if not stat.S_ISREG(status.st_mode):
        what = "is no regular file"
    elif hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        what = "belongs to somebody else"
    elif status.st_nlink > 1:
        what = "has another name as well, whose content would change"
    else:
        return
    raise FileError(f"{str(path)!r} {what}", hint="remove it, or write to another file")
