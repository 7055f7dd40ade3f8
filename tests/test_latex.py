"""LaTeX as people paste it: what it means, or why it is refused and where."""

from __future__ import annotations

import time
import zlib
from typing import Any

import pytest
import torch
from latex_formulas import FORMULAS, REFUSED

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import evaluation
from autograd_cli.errors import AgxError, ReadError
from autograd_cli.language.expression import Expression
from autograd_cli.language.foreign import read_all, translate
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())


def outcome(expression: Expression) -> tuple[list[str], Any]:
    """The variables, and the value at numbers that hang on the names alone."""
    at = {
        name: torch.tensor(0.2 + zlib.crc32(name.encode()) % 997 / 1300, dtype=torch.float64)
        for name in expression.variables
    }
    try:
        value = evaluation(expression, at, CONTEXT).value
    except AgxError:  # an operation of vectors or matrices
        return sorted(at), [(node.op, node.value) for node in expression.nodes]
    return sorted(at), torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize(("source", "meaning"), FORMULAS)
def test_what_a_formula_means(source: str, meaning: str) -> None:
    [expression] = read_all([source], "latex")
    (names, found), (expected, right) = (
        outcome(expression),
        outcome(read(meaning, expression.variables)),
    )
    assert names == expected
    if isinstance(right, torch.Tensor):
        torch.testing.assert_close(found, right, rtol=1e-12, atol=0, equal_nan=True)
    else:
        assert found == right


@pytest.mark.parametrize(("source", "message", "under"), REFUSED)
def test_what_is_refused(source: str, message: str, under: str) -> None:
    with pytest.raises(AgxError) as caught:
        translate(source, "latex")
    assert message in caught.value.message
    span = caught.value.span
    assert span is not None
    if under:
        assert source[span.start : span.end] == under


@pytest.mark.parametrize("opening", [r"\sin(", r"\sqrt{", r"\left(", r"\frac{1}{", r"x^{"])
def test_nesting_takes_time_in_proportion(opening: str) -> None:
    """60 levels are at most some ten times as long as 10, and not thousands of times."""
    closing = {"{": "}", "(": r"\right)" if "left" in opening else ")"}[opening[-1]]
    times = []
    for levels in (10, 60):
        text = opening * levels + "x" + closing * levels
        start = time.process_time()
        translate(text, "latex")
        times.append(time.process_time() - start)
    assert times[1] < 60 * times[0]


def test_nesting_has_a_limit() -> None:
    with pytest.raises(ReadError, match="nest"):
        translate(r"\sin(" * 1000 + "x" + ")" * 1000, "latex")
