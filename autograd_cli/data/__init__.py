"""Tables of numbers: what reads files and streams of rows, and what writes them.

Everything streams: a table is read block by block, and a block is a number of whole rows. The
readers for text need nothing but Python; those for Parquet and Arrow, and the fast ways through
text, need pyarrow.
"""

from autograd_cli.data.table import Table, read_table

__all__ = ["Table", "read_table"]
