"""The cells of rows that were read, as text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from autograd_cli.data.rows import Rows
from autograd_cli.results import Scalar


def cells_of(rows: Rows, delimiter: str) -> Sequence[Sequence[Any]]:
    """The cells of every row."""
    if rows.cells is not None:
        return rows.cells
    if rows.batch is not None:
        from autograd_cli.data.arrow_table import python_values

        return list(zip(*map(python_values, rows.batch.columns), strict=True))
    assert rows.lines is not None
    text = io.StringIO(rows.lines.decode(), newline="")
    return list(csv.reader(text, delimiter=delimiter))


def text_of(cell: Any) -> Scalar:
    """A cell as CSV has it; of JSON, lists and objects are JSON again."""
    if cell is None or isinstance(cell, (str, int, float)):
        return cell
    return json.dumps(cell, default=str) if isinstance(cell, (list, dict)) else str(cell)
