"""Derivatives of higher order at hard points: tails, next to 0, far away.

The truth is mpmath's Taylor series at 400 digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from mpmath import mp, mpf

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import gradient
from autograd_cli.language.reader import read
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings(), accurate=True)
DIGITS = 400


def softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def ndtr(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def gelu_tanh(x: Any) -> Any:
    return x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mpf(0.044715) * x**3)))


def sinc(x: Any) -> Any:
    return mp.sin(mp.pi * x) / (mp.pi * x)


CASES: dict[str, tuple[Callable[[Any], Any], tuple[float, ...]]] = {
    "gelu_tanh(x)": (gelu_tanh, (-30.0, -2.5, 0.3, 30.0)),
    "gelu(x)": (lambda x: x * ndtr(x), (-39.0, -12.0, -2.5, 0.5, 30.0)),
    "expm1(x)": (mp.expm1, (-700.0, -5.0, 1e-8, 30.0)),
    "logit(x)": (lambda p: mp.log(p / (1 - p)), (1e-60, 1e-8, 0.3, 0.999)),
    "softsign(x)": (lambda x: x / (1 + abs(x)), (-1e12, -3.0, 0.2, 7.0, 1e12)),
    "softplus(x)": (softplus, (-80.0, -3.0, 0.1, 19.0, 22.0, 80.0)),
    "sigmoid(x)": (lambda x: 1 / (1 + mp.exp(-x)), (-80.0, 1.3, 22.0, 80.0)),
    "tanh(x)": (mp.tanh, (-80.0, 0.7, 22.0)),
    "silu(x)": (lambda x: x / (1 + mp.exp(-x)), (-80.0, -1.0, 25.0)),
    "bce_with_logits(x, 1)": (lambda x: softplus(-x), (-80.0, 0.5, 22.0, 80.0)),
    "bce_with_logits(x, 0)": (softplus, (-80.0, 0.5, 22.0, 80.0)),
    "bce_loss(x, 0)": (lambda p: -mp.log(1 - p), (1e-17, 1e-8, 0.4)),
    "sinc(x)": (sinc, (0.25, 3.5, 1000.25, 1e12 + 0.5)),
    "asinh(x)": (mp.asinh, (-1e60, -2.0, 1e-8, 1e60)),
    "acosh(x)": (mp.acosh, (1.5, 1e8, 1e60)),
    "log_ndtr(x)": (lambda x: mp.log(ndtr(x)), (-40.0, -3.0, 0.0, 5.0)),
    "gamma(x)": (mp.gamma, (0.5, 3.0, 12.5, -1.5)),
    "xlogy(2.5, x)": (lambda x: mpf(2.5) * mp.log(x), (1e-60, 0.3, 1e12)),
    "x**y": (lambda x: x**x, (0.3, 2.5)),
}
POINTS = [(text, x) for text, (_, places) in CASES.items() for x in places]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("text", "x"), POINTS)
def test_the_digits_of_a_derivative(text: str, x: float, order: int) -> None:
    expression = read("x**x" if text == "x**y" else text)
    at = {"x": torch.tensor(x, dtype=torch.float64)}
    found = gradient(expression, at, CONTEXT, DerivativeRequest(order=order)).gradient["x"]
    with mp.workdps(DIGITS):
        truth = float(mp.diff(CASES[text][0], mpf(x), order, h=mpf(10) ** -100 * (abs(x) or 1)))
    assert found == pytest.approx(truth, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("text", "at", "order", "truth"),
    [
        ("expm1(x)", {"x": 1000.0}, 2, {"x": math.inf}),
        ("logit(x)", {"x": 1e-300}, 2, {"x": -math.inf}),
        ("gelu_tanh(x)", {"x": 1e200}, 3, {"x": 0.0}),
        ("x**y", {"x": 0.0, "y": 1.0}, 2, {"x": 0.0, "y": 0.0}),
        ("x**y", {"x": 0.0, "y": 2.0}, 2, {"x": 2.0, "y": 0.0}),
    ],
)
def test_what_is_finite_or_infinite_is_no_nan(
    text: str, at: dict[str, float], order: int, truth: dict[str, float]
) -> None:
    place = {name: torch.tensor(value, dtype=torch.float64) for name, value in at.items()}
    assert gradient(read(text), place, CONTEXT, DerivativeRequest(order=order)).gradient == truth
