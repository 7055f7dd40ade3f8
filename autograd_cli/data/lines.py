"""A stream of bytes cut into blocks of whole lines, and the checks that hold for any text."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from autograd_cli.data.bytestream import ByteStream
from autograd_cli.data.rows import Block
from autograd_cli.errors import FileError

MARK = b"\xef\xbb\xbf"  # the byte-order mark of UTF-8
LONGEST = 1 << 26  # bytes of a line
MUCH = 100_000  # bytes of a block from which on a library is worth its import
UTF_8, LATIN_1 = "utf-8", "cp1252"  # Latin-1 with the quotes and the € of Windows
NO_LETTER = b"\xff"  # what stands in no text of it, but at the beginning of UTF-16
MOST_CUTS = 1_000  # line ends that are tried for one outside quotes


class Lines:
    """The lines of a stream. `line` is the number of the next one."""

    def __init__(self, stream: ByteStream, *, quotes: bool = False) -> None:
        self.stream = stream
        self.line = 1
        self._quotes = quotes
        self._rest = b""
        self._ended = False
        self._encoding = ""  # known from the first bytes on that are not ASCII
        self.notes: list[str] = []

    def first(self) -> bytes:
        """The first line that is not blank, without its end; b"" if there is none."""
        while True:
            end = self._end_of_first()
            if end == 0:
                return b""
            line, self._rest = self._rest[:end], self._rest[end:]
            if self.line == 1:
                line = line.removeprefix(MARK)
                if b"\x00" in line:
                    raise FileError(
                        f"{self.stream.name} is no UTF-8 text",
                        hint="UTF-16 text can be converted: iconv -f UTF-16 -t UTF-8 FILE",
                    )
            self.line += line.count(b"\n")
            if line.strip():
                return self._in_utf_8(line).rstrip(b"\r\n")

    def put_back(self, line: bytes) -> None:
        """Makes `line`, which `first` gave, the next one again."""
        self._rest = line + b"\n" + self._rest
        self.line -= line.count(b"\n") + 1

    def blocks(self) -> Iterator[Block]:
        """The rest, in blocks of whole lines; the last line has an end, whether written or not."""
        while True:
            cut = self._cut()
            if cut:
                rest = self._rest
                block, self._rest = (rest, b"") if cut == len(rest) else (rest[:cut], rest[cut:])
                line = self.line
                self.line += _count_of_ends(block)
                yield Block(self._in_utf_8(block), line)
            if not self._fill():
                break
        if self._rest.strip():
            yield Block(self._in_utf_8(self._rest + b"\n"), self.line)
        self._rest = b""

    def _in_utf_8(self, text: bytes) -> bytes:
        """Text of a table that is written in Latin-1, as spreadsheets do on Windows, in UTF-8.

        What is neither is left as it is, for `decoded` to complain about.
        """
        if not self._quotes or self._encoding == UTF_8 or text.isascii():
            return text
        encodings = [self._encoding] if self._encoding else [UTF_8, LATIN_1]
        for encoding in encodings:
            if encoding == LATIN_1 and (NO_LETTER in text or _has_utf_8(text)):
                continue
            try:
                found = text.decode(encoding)
            except UnicodeDecodeError:
                continue
            if not self._encoding and encoding == LATIN_1:
                self.notes.append(f"{self.stream.name} is no UTF-8 text, and is read as Latin-1")
            self._encoding = encoding
            return found.encode()
        return text

    def _fill(self) -> bool:
        """Reads more; False at the end."""
        if self._ended:
            return False
        more = self.stream.read()
        self._ended = not more
        self._rest = self._rest + more if self._rest else more
        if len(self._rest) > LONGEST and b"\n" not in self._rest:
            raise FileError(f"{self.stream.name}, line {self.line} has more than {LONGEST:,} bytes")
        return not self._ended

    def _end_of_first(self) -> int:
        """Where the first line ends; a quoted cell may have line ends in it."""
        while True:
            end = self._rest.find(b"\n") + 1
            while end and self._quotes and self._rest.count(b'"', 0, end) % 2:
                end = self._rest.find(b"\n", end) + 1
            if end:
                return end
            if not self._fill():
                return len(self._rest)

    def _cut(self) -> int:
        """Where the last whole line ends, outside quotes."""
        end = self._rest.rfind(b"\n") + 1
        if not self._quotes or b'"' not in self._rest:
            return end
        cut = end
        for _ in range(MOST_CUTS):
            if not cut or self._rest.count(b'"', 0, cut) % 2 == 0:
                return cut
            cut = self._rest.rfind(b"\n", 0, cut - 1) + 1
        return end  # a quote that never closes: whoever reads the rows will say so


def _has_utf_8(text: bytes) -> bool:
    """Whether a character beyond ASCII stands in it in UTF-8, of which hardly any is Latin-1."""
    return not text.decode("utf-8", "ignore").isascii()


def _count_of_ends(block: bytes) -> int:
    """How many lines end in a block. Where it is large numpy counts, in a tenth of the time and
    without holding up the threads that compute."""
    if len(block) < MUCH or importlib.util.find_spec("numpy") is None:
        return block.count(b"\n")
    import numpy

    return int(numpy.count_nonzero(numpy.frombuffer(block, numpy.uint8) == ord("\n")))


def decoded(block: Block, stream: str) -> str:
    """The text of a block. Raises FileError with the line where it is not UTF-8."""
    try:
        return block.content.decode("utf-8")  # type: ignore[no-any-return]
    except UnicodeDecodeError as error:
        line = block.line + block.content.count(b"\n", 0, error.start)
        raise FileError(f"{stream}, line {line} is not UTF-8 text") from None
