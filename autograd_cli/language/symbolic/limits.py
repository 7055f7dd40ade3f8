"""How long symbolic work may take and how large it may be."""

from __future__ import annotations

MEMORY = "no closed form in the memory allowed"
SECONDS = 2.0  # of processor time, so that a busy machine gives the same answers as an idle one
WALL = 5.0  # seconds of waiting for each second of processor time allowed
