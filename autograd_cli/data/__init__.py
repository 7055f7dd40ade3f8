"""Tables of numbers, and files: what reads them, and whether there is room for what they hold.

Everything about tables streams: a table is read block by block, and a block is a number of whole
rows. The readers for text need nothing but Python; those for Parquet and Arrow, and the fast ways
through text, need pyarrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd_cli.data.table import Table, read_table

__all__ = ["Table", "read_table"]


def __getattr__(name: str) -> Any:
    """What reads tables is loaded by those who do: most runs read none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from autograd_cli.data import table

    return getattr(table, name)
