"""Damaged tables: a clear error, or nothing but what the file holds.

An altered byte in the midst of the values is a number like any other, and nobody can tell. What is
shown of a damaged file is therefore held against the file itself: a cell is that of the undamaged
row, or its bytes stand in the file that was read. Where the file is compressed that cannot be seen;
then two runs, in which memory that nobody has written to is filled in two ways, have to agree.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runner import environment, run

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.ipc")
pytest.importorskip("pyarrow.parquet")
if not sys.platform.startswith("linux"):
    pytest.skip("each file is read by a fork, whose memory is bounded", allow_module_level=True)

import damaged  # noqa: E402

from autograd_cli.data import arrow_table  # noqa: E402

COUNT = 32  # files of a kind: 512 in all
AGAIN = 12  # of them, with other memory
MEMORY = (85, 170)  # what fills memory that was not written to, where the C library does that
PLAIN = {"stream", "file", "feather-uncompressed", "parquet-none", "parquet-checksums"}
HARNESS = Path(damaged.__file__)


def outcomes(
    kind: str, folder: Path, filled: int, count: int = COUNT, seed: int = 1
) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(HARNESS), kind, str(seed), str(count), str(folder)],
        env=environment(MALLOC_PERTURB_=str(filled), ARROW_DEFAULT_MEMORY_POOL="system"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
        timeout=600,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def bytes_of(cell: str) -> Iterator[bytes]:
    """A cell as it may stand in a file: as text, or as a number of some type."""
    yield cell.encode()
    for kind in "dfeqihbQIHB":
        try:
            number = float(cell) if kind in "dfe" else int(cell)
            packed = struct.pack(f"<{kind}", number)
        except (ValueError, OverflowError, struct.error):
            continue
        if str(struct.unpack(f"<{kind}", packed)[0]) == cell or kind in "fe":
            yield packed


def is_held(cell: str, content: bytes) -> bool:
    if cell == "nan":  # there are many
        places = range(len(content) - 7)
        return any(math.isnan(struct.unpack_from("<d", content, place)[0]) for place in places)
    return not cell or any(own in content for own in bytes_of(cell))


def faults_of(
    found: dict[str, Any], content: bytes, rows: list[dict[str, str]], *, is_plain: bool
) -> list[object]:
    """What is wrong with an outcome, if anything is."""
    if "signal" in found:
        return [("signal", found["signal"])]
    faults: list[object] = []
    *_, last = [line for line in found["err"].splitlines() if line[:1] != " "] or [""]
    if "internal error" in found["err"] or "Traceback" in found["err"]:
        faults.append(found["err"])
    if found["code"] not in (0, 1, 2, 3) or (found["code"] > 1) != last.startswith("error: "):
        faults.append((found["code"], last))
    own = rows_of(found["out"])
    if len(own) > len(rows):
        faults.append(("more rows", len(own)))
    for number, (row, true) in enumerate(zip(own, rows, strict=False)):
        for name, cell in row.items():
            if name == "value":
                if cell and cell != str(float(row["x"]) + float(row["n"])):
                    faults.append((number, name, cell))
            elif cell != true.get(name) and is_plain and not is_held(cell, content):
                faults.append((number, name, cell))
    return faults


@pytest.mark.parametrize("kind", damaged.KINDS)
def test_a_damaged_table_is_an_error_or_what_the_file_holds(kind: str, tmp_path: Path) -> None:
    first = outcomes(kind, tmp_path, MEMORY[0])
    if kind not in PLAIN:
        again = outcomes(kind, tmp_path, MEMORY[1], AGAIN)
        assert again == first[:AGAIN]
    assert len(first) == COUNT
    rows = rows_of(first[0]["out"])
    assert len(rows) == damaged.ROWS
    assert [row["x"] for row in rows] == [str(x) for x in damaged.table()["x"].to_pylist()]
    for found in first:
        content = (tmp_path / str(found["number"])).read_bytes()
        assert not faults_of(found, content, rows, is_plain=kind in PLAIN), found
    assert {found.get("code") for found in first} >= {1, 3}  # some cannot be told from sound ones


def test_what_is_told_of_a_damaged_file(tmp_path: Path) -> None:
    """The first line of what Arrow says, and memory where that is what was missing."""
    for error, told in (
        (ValueError("one.\ntwo"), "'t' is damaged or was cut off: one"),
        (OSError(""), "'t' is damaged or was cut off: no reason given"),
        (MemoryError("malloc of size 9 failed"), "'t' needs more memory than there is, or is"
         " damaged: malloc of size 9 failed"),
    ):  # fmt: skip
        assert arrow_table.damaged("'t'", error).message == told
    old = tmp_path / "t.feather"
    old.write_bytes(b"FEA1" + bytes(20))
    found = run("eval", "x", "--points", str(old))
    assert found.code == 3
    assert found.err == (
        f"error: '{old}' is a Feather file of the first version\n"
        "  hint: write it as Parquet or Arrow\n"
    )


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_damaged_text_that_is_compressed_is_an_error_or_text(ending: str, tmp_path: Path) -> None:
    """Those with checksums notice everything; zstd here has none."""
    lines = "x,y\n" + "".join(f"{row},{row / 7!r}\n" for row in range(300))
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    content = lines.encode()
    packed = pack[ending](content) if ending in pack else pyarrow.compress(
        content, codec="zstd", asbytes=True
    )  # fmt: skip
    path, draw = tmp_path / f"t.csv.{ending}", random.Random(ending)
    path.with_name("t.csv").write_text(lines)
    whole_text = run("eval", "x*y", "--points", str(path.with_name("t.csv")), "-f", "csv").out
    for _ in range(40):
        path.write_bytes(damaged.damaged(packed, draw))
        found = run("eval", "x*y", "--points", str(path), "-f", "csv")
        assert "internal error" not in found.err
        if found.code == 0 and ending != "zst":
            assert found.out == whole_text
        elif found.code:
            assert found.code in (2, 3)
            assert "error: " in found.err
