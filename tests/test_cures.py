"""Every cure that is told, applied: the nan or inf goes, of the value and of the gradients."""

from __future__ import annotations

import re

import pytest
import torch

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import gradient, point
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.language.request import DerivativeRequest
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())
GUARD = re.compile(r"replace (.+) inside it by (.+)$")
FORM = re.compile(r"write (.+) for (.+?)\)?$")

# What is written, where, and what nothing but a cure makes finite.
GUARDED = [
    ("Piecewise((sin(x)/x, Ne(x,0)), (1, True))", "x=0"),
    ("where(x != 0, (1-cos(x))/x**2, 0.5)", "x=0"),
    ("where(x > 0, sqrt(x), 0*x)", "x=0"),
    ("where(x <= 0, 0*x, sqrt(x))", "x=0"),
    ("where(x > 0, log(x), 0*x)", "x=0"),
    ("where(x > 0, x*log(x), 0)", "x=0"),
    ("where(x > 0, y*log(x), 0)", "x=0,y=2"),
    ("where(x > 0, x**0.5, 0*x)", "x=0"),
    ("where(x != 0, x**y, 0)", "x=0,y=-1"),
    ("where(x < 1, acos(x), 0)", "x=1"),
    ("where(x < 1, asin(x)*y, 0*y)", "x=1,y=2"),
    ("where(abs(x) < 1, atanh(x), x)", "x=1"),
    ("where(x > 1, acosh(x), 0)", "x=1"),
    ("where(x != 0, 1/x, 0)", "x=0"),
    ("where(x != 0, y/x, y)", "x=0,y=0"),
    ("where(p > 0, logit(p), 0)", "p=0"),
    ("sum(where(v > 0, sqrt(v), 0*v))", "v=[0,1,4]"),
    ("sum(where(v != 0, sin(v)/v, 1))", "v=[0,1,-2]"),
]
FORMS = [
    ("1/(1+exp(-x))", "x=-800"),
    ("1/(exp(-x) + 1)", "x=-800"),
    ("exp(x)/(1+exp(x))", "x=800"),
    ("3*log(1+exp(x)) + x", "x=800"),
    ("log1p(exp(x))", "x=800"),
    ("log(sum(exp(v)))", "v=[1,800]"),
    ("(exp(v)/sum(exp(v)))[0]", "v=[1,800]"),
    ("(exp(x)-exp(-x))/(exp(x)+exp(-x))", "x=800"),
    ("sqrt(x**2+y**2)", "x=1e200,y=1"),
    ("log(sigmoid(x))", "x=-800"),
    ("log(softmax(v))[0]", "v=[-800,1]"),
    ("log(ndtr(x))", "x=-40"),
]


def ask(text: str, at: str) -> tuple[bool, tuple[str, ...]]:
    """Whether the value and all derivatives are finite, and what is said of them."""
    expression = read(text)
    found = gradient(expression, point(read_values([at]), CONTEXT), CONTEXT, DerivativeRequest())
    numbers = [found.value, *found.gradient.values()]
    finite = all(torch.tensor(one, dtype=torch.float64).isfinite().all() for one in numbers)
    return finite, found.warnings


@pytest.mark.parametrize(("text", "at"), GUARDED)
def test_a_safe_operand_makes_the_nan_go(text: str, at: str) -> None:
    finite, told = ask(text, at)
    assert not finite
    cure = GUARD.search(told[0])
    assert cure, told
    old, new = cure.groups()
    inside = told[0].split("going backward through ")[1].split(", the derivative")[0]
    word = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)")
    cured = text.replace(inside, word.sub(new.replace("\\", r"\\"), inside))
    assert cured != text
    assert ask(cured, at)[0], cured


@pytest.mark.parametrize(("text", "at"), FORMS)
def test_a_stable_form_makes_the_overflow_go(text: str, at: str) -> None:
    finite, told = ask(text, at)
    assert not finite
    cure = FORM.search(told[0])
    assert cure, told
    new, old = cure.groups()
    old += ")" * (old.count("(") - old.count(")"))  # the sentence may end in brackets
    assert old in text
    cured = text.replace(old, new)
    assert ask(cured, at)[0], cured


@pytest.mark.parametrize(
    ("text", "at"),
    [("exp(x)", "x=1000"), ("1/x", "x=0"), ("sqrt(x)", "x=0"), ("log(2+exp(x))", "x=800")],
)
def test_where_there_is_no_form_none_is_told(text: str, at: str) -> None:
    _, told = ask(text, at)
    assert told
    assert "write " not in told[0]
    assert "replace " not in told[0]


def test_a_negative_base_is_called_so() -> None:
    _, told = ask("a*(x-x0)**b", "a=1,x=0,x0=0.5,b=1.5")
    assert told[0].endswith("(a negative base has whole powers only: keep x-x0 above 0)")
    _, told = ask("x**3.5", "x=1e200")
    assert told[0].endswith("(the power is beyond the range of the dtype)")


@pytest.mark.parametrize("text", ["sqrt(x**2+y**2)", "2*sqrt(x**2+y**2) + x"])
def test_what_does_not_help_is_no_cure(text: str) -> None:
    """hypot does not overflow, and has no derivative at 0 either."""
    finite, told = ask(text, "x=0,y=0")
    assert not finite
    assert "hypot" not in told[0]
