"""The rules for the rows of the function table that are not elementwise."""

from __future__ import annotations

from collections.abc import Mapping

from autograd_cli.language.symbolic import matrices, reductions
from autograd_cli.language.symbolic.reductions import Rule

RULES: Mapping[str, Rule] = {**reductions.RULES, **matrices.RULES}
