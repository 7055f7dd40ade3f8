"""A formula and a number that stand side by side and differ are never printed without a word."""

from __future__ import annotations

import json
import re

import pytest
from cli_runner import run

SAID = re.compile(r"the formula is (\S+) here, and autograd has (\S+)")


def told(*words: str) -> list[str]:
    done = run(*words)
    assert done.code == 0, done.err
    return [line for line in done.err.splitlines() if "the formula is" in line]


@pytest.mark.parametrize(
    ("text", "at", "formula", "number"),
    [
        ("(1-cos(x))/x**2", "x=1e-8", "-8.33333e-10", "1e+08"),
        ("log(1+exp(x))", "x=800", "1", "nan"),
        ("sqrt(x**2)", "x=0", "0", "nan"),
        ("(exp(x)-1-x)/x**2", "x=1e-9", "0.166667", ""),
    ],
)
def test_a_number_that_is_not_what_the_formula_is(
    text: str, at: str, formula: str, number: str
) -> None:
    for format in ("table", "latex", "markdown"):
        [line] = told("grad", text, "--at", at, "-f", format)
        found = SAID.search(line)
        assert found
        assert found[1] == formula
        assert not number or found[2] == number
    content = json.loads(run("grad", text, "--at", at, "--json", "--symbolic").out)
    assert any(SAID.search(warning) for warning in content["warnings"])


@pytest.mark.parametrize(
    "words",
    [
        ("grad", "x**2+2*x*y+y**2", "--at", "x=2,y=3"),
        ("grad", "det(X)", "--at", "X=[[1,2],[2,4]]"),
        ("grad", "det(X)", "--at", "X=[[1,2,3],[2,4,6],[1,0,1]]"),
        ("grad", "tanh(x)", "--at", "x=20"),
        ("grad", "x**2 - 2*x + 1", "--at", "x=1.0000001"),
        ("grad", "sin(1000000*x)", "--at", "x=1.5"),
        ("grad", "abs(x)", "--at", "x=0"),
        ("grad", "softmax(v)[0]", "--at", "v=[1,2,3]"),
        ("grad", "1/x", "--at", "x=1e-300"),
        ("grad", "x**3*y**2", "--at", "x=2,y=3", "--partial", "x,x,y"),
        ("grad", "exp(x)*y", "--at", "x=1,y=2", "--along", "x=1,y=-1"),
        ("grad", "x**2*y", "--at", "x=0.1,y=3", "--dtype", "float32"),
        ("grad", "sin(x)*y", "--at", "y=2", "--grid", "x=0:pi:5"),
        ("jacobian", "[x1**2, x1*x2]", "--at", "x1=2,x2=3"),
        ("hessian", "det(A)", "--at", "A=zeros(2,2)"),
        ("hessian", "100*(y-x**2)**2+(1-x)**2", "--at", "x=1,y=1"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_nothing_is_said_where_they_differ_by_rounding_at_most(words: tuple[str, ...]) -> None:
    assert told(*words, "-f", "table") == []


def test_matrices_are_held_against_their_formulas_too() -> None:
    [line, *_] = told("jacobian", "[(1-cos(x))/x**2, x]", "--at", "x=1e-8", "-f", "table")
    assert SAID.search(line)
    [line, *_] = told("hessian", "(1-cos(x))/x**2", "--at", "x=1e-6", "-f", "table")
    assert SAID.search(line)
