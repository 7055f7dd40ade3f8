"""Reads damaged tables with agx, each in a process of its own, and prints what became of them.

    python damaged.py KIND SEED COUNT FOLDER

For every file a line of JSON: the bytes of the damaged file (in FOLDER, under its number), the exit
code or the signal that ended the process, and what stood on its streams. A process is a fork of
this one, which has imported all that is needed: a start costs milliseconds.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import torch  # noqa: F401  (so that no child has to import it)
from cli_runner import run

import autograd_cli.commands.evaluate
import autograd_cli.data.arrow_table
import autograd_cli.points.streaming
import autograd_cli.points.tables
import autograd_cli.render.streams.text  # noqa: F401

ROWS, BATCH = 60, 25
MEMORY, PATIENCE = 1 << 28, 100  # bytes, of a child's own, and seconds: if it goes astray
KINDS = (
    *("stream", "stream-lz4", "stream-zstd", "file", "file-lz4", "file-zstd"),
    *("feather-uncompressed", "feather-lz4", "feather-zstd", "parquet-none", "parquet-checksums"),
    *("parquet-snappy", "parquet-gzip", "parquet-zstd", "parquet-brotli", "parquet-lz4"),
)


def table() -> Any:
    """Numbers, whole ones some of which are missing, and texts, as they are and by a dictionary."""
    draw = random.Random(1)
    return pyarrow.table(
        {
            "x": pyarrow.array([draw.gauss(0, 1) for _ in range(ROWS)]),
            "n": pyarrow.array([None if row % 7 == 0 else row for row in range(ROWS)]),
            "s": pyarrow.array([None if row % 11 == 0 else f"row-{row}é" for row in range(ROWS)]),
            "d": pyarrow.array([f"word-{row % 4}" for row in range(ROWS)]).dictionary_encode(),
        }
    )


def whole(kind: str) -> bytes:
    """The table as a file of this kind."""
    container, _, how = kind.partition("-")
    out, own = io.BytesIO(), table()
    if container == "parquet":
        compression = "none" if how == "checksums" else how
        pyarrow.parquet.write_table(
            own,
            out,
            compression=compression,
            row_group_size=BATCH,
            write_page_checksum=how == "checksums",
        )
    elif container == "feather":
        pyarrow.feather.write_feather(own, out, compression=how, chunksize=BATCH)
    else:
        opened = pyarrow.ipc.new_stream if container == "stream" else pyarrow.ipc.new_file
        options = pyarrow.ipc.IpcWriteOptions(compression=how or None)
        with opened(out, own.schema, options=options) as writer:
            writer.write_table(own, max_chunksize=BATCH)
    return out.getvalue()


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The same with one to four bytes altered: a bit of them, or all."""
    found = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        place = draw.randrange(len(found))
        found[place] = draw.choice(
            (found[place] ^ 1 << draw.randrange(8), draw.randrange(256), 0, 255)
        )
    return bytes(found)


def attempt(path: Path) -> dict[str, Any]:
    """What agx does with a file, in a fork of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            most = _size() + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            signal.alarm(PATIENCE)
            words = ("eval", "x+n", "--points", str(path), "-f", "csv", "--on-error", "null")
            found = run(*words, "--jobs", "1")
            with os.fdopen(writing, "w") as out:
                json.dump({"code": found.code, "out": found.out, "err": found.err}, out)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return dict(json.loads(text)) if text else {"signal": 0}


def _size() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def main(kind: str, seed: int, count: int, folder: Path) -> None:
    draw, content = random.Random(f"{kind} {seed}"), whole(kind)
    for number in range(count):
        path = folder / str(number)
        path.write_bytes(content if number == 0 else damaged(content, draw))
        print(json.dumps({"number": number, **attempt(path)}), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
