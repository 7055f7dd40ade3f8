"""What a row that cannot be used does: it ends the run, is left out, or has no results."""

STOP, SKIP, NULL = ON_ERROR = ("stop", "skip", "null")
