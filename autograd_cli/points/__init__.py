"""Very many rows: read in blocks, computed by threads, written in order, and gone on with."""
