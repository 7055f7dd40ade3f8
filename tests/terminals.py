"""agx on a terminal of its own, with somebody who presses keys."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios

from cli_runner import PROGRAM, environment


class Terminal:
    """agx on a terminal of its own."""

    def __init__(
        self, *words: str, width: int = 80, height: int = 24, **environ: str | None
    ) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(width, height)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [*PROGRAM, *words],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=environment(**environ),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is heard
        )

    def until(self, text: str) -> str:
        """What the terminal receives up to this text, without colours."""
        received = ""
        while text not in received and select.select([self.master], [], [], 30)[0]:
            received += os.read(self.master, 4096).decode()
        return re.sub(r"\x1b\[[0-9;]*[mK]", "", received)

    def resize(self, width: int, height: int = 24) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, key: str) -> None:
        os.write(self.master, key.encode())

    def end(self) -> tuple[int, str, bool]:
        """The exit code, what came last, and whether the terminal is as it was."""
        code = self.process.wait(30)
        rest = ""
        while select.select([self.master], [], [], 0.2)[0]:
            rest += os.read(self.master, 4096).decode()
        restored = termios.tcgetattr(self.slave) == self.before
        os.close(self.slave)
        os.close(self.master)
        return code, rest, restored
