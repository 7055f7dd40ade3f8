"""A result with a remark for people."""

from __future__ import annotations

from dataclasses import dataclass

from autograd_cli.render.points import Points
from autograd_cli.results import Result


@dataclass(frozen=True)
class Noted:
    """A result, and a remark that is no part of it; formats for programs leave the remark out."""

    result: Result | Points
    note: str
