"""`agx grad` at kinks and jumps: the number is a convention, and grad says so as check does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cli_runner import run

CONVENTION = "autograd's {} is a convention"
KINK = f"a kink: the derivative is {{}} from the left and {{}} from the right; {CONVENTION}"
JUMP = f"a jump from {{}} to {{}}; {CONVENTION}"

# The one-sided derivatives and values by hand; what torch takes for the derivative is its own.
CONVENTIONS: list[tuple[str, str, dict[str, str]]] = [
    ("abs(x)", "x=0", {"x": KINK.format(-1, 1, 0)}),
    ("3*abs(x-y)", "x=0.3,y=0.3", {"x,y": KINK.format(-3, 3, 0)}),
    ("relu(x)*y", "x=0,y=2", {"x": KINK.format(0, 2, 0)}),
    ("relu(x)*y", "x=0,y=-2", {"x": KINK.format(0, -2, 0)}),
    ("leaky_relu(x)", "x=0", {"x": KINK.format(0.01, 1, 0.01)}),
    ("max(x, 0)", "x=0", {"x": KINK.format(0, 1, 0.5)}),
    ("max(x**2, x**4)", "x=1", {"x": KINK.format(2, 4, 3)}),
    ("max(0, 1-x*y)", "x=1,y=1", {"x,y": KINK.format(-1, 0, -0.5)}),
    ("max(x)", "x=[1,2,2]", {"x[1],x[2]": KINK.format(0, 1, 0.5)}),
    ("min(x)", "x=[1,1]", {"x[0],x[1]": KINK.format(1, 0, 0.5)}),
    (
        "sum(sort(x)*[1,2,3])",
        "x=[1,2,2]",
        {"x[1]": KINK.format(2, 3, 2), "x[2]": KINK.format(2, 3, 3)},
    ),
    ("sum(abs(x))", "x=[0,1,0,-2]", {"x[0],x[2]": KINK.format(-1, 1, 0)}),
    ("clamp(x, -1, 1)", "x=1", {"x": KINK.format(1, 0, 1)}),
    ("clamp(x, min=0)", "x=0", {"x": KINK.format(0, 1, 1)}),
    ("hardtanh(x)", "x=-1", {"x": KINK.format(0, 1, 0)}),
    ("where(x>0, x, 2*x)", "x=0", {"x": KINK.format(2, 1, 2)}),
    ("Piecewise((x, x<1), (3*x-2, True))", "x=1", {"x": KINK.format(1, 3, 3)}),
    ("norm(x)", "x=[0,0]", {"x[0],x[1]": KINK.format(-1, 1, 0)}),
    ("l1_loss(x, 2)", "x=2", {"x": KINK.format(-1, 1, 0)}),
    ("x*abs(x) + abs(y)", "x=0,y=0", {"y": KINK.format(-1, 1, 0)}),
    ("floor(x)", "x=2", {"x": JUMP.format(1, 2, 0)}),
    ("round(x)", "x=0.5", {"x": JUMP.format(0, 1, 0)}),
    ("sign(x)", "x=0", {"x": JUMP.format(-1, 1, 0)}),
    ("frac(x)", "x=2", {"x": JUMP.format(1, 0, 1)}),
    ("heaviside(x)", "x=0", {"x": JUMP.format(0, 1, 0)}),
]
SMOOTH = [
    ("relu(x)**2", "x=0"),
    ("max(x,0)**2", "x=0"),
    ("abs(x)*x", "x=0"),
    ("abs(x)**3", "x=0"),
    ("abs(x)**1.5", "x=0"),
    ("abs(x)", "x=1e-13"),
    ("abs(x-0.3)", "x=0.1+0.2"),  # a digit beside it, there is a derivative
    ("abs(sin(x))", "x=pi"),
    ("where(x>0.3, x, 0.3)", "x=0.1+0.2"),
    ("where(x>0, x, sin(x))", "x=0"),
    ("where(x>0, x**2, 0)", "x=0"),
    ("relu(x)*y", "x=0,y=0"),
    ("elu(x)", "x=0"),
    ("huber_loss(x, 0)", "x=1"),
    ("norm(x)**2", "x=[0,0]"),
    ("max(x)", "x=[1,2,3]"),
    ("floor(x)", "x=2.5"),
    ("floor(x)*0 + x", "x=1"),
    ("trunc(x)", "x=0"),
    ("clamp(x, -1, 1)", "x=0.5"),
    ("detach(abs(x))*x", "x=1"),
    ("x**2", "x=0"),
    ("x**9", "x=0"),
    ("tanh(1000000*x)", "x=0"),
    ("1/(1+exp(-50*x))", "x=0"),
    ("sin(100000000*x)", "x=1"),
    ("(1-cos(x))/x**2", "x=1e-7"),
    ("exp(-1/x**2)", "x=0.001"),
    ("gamma(x)", "x=2"),
    ("logsumexp(x)", "x=[1,1]"),
    ("det(A)", "A=[[1,2],[2,4]]"),
    ("randn(3)@x", "x=[0,0,0]"),
    ("bce_loss(p, 1)", "p=1e-300"),
]


def told(text: str, at: str, *words: str) -> list[str]:
    content: dict[str, Any] = json.loads(run("grad", text, "--at", at, "--json", *words).out)
    warnings: list[str] = content["warnings"]
    return [one for one in warnings if not one.startswith("no gradient flows")]


@pytest.mark.parametrize(("text", "at", "notes"), CONVENTIONS)
def test_a_convention_is_called_one(text: str, at: str, notes: dict[str, str]) -> None:
    assert told(text, at) == [
        f"no derivative by {names.replace(',', ', ')}: {note}" for names, note in notes.items()
    ]


@pytest.mark.parametrize(("text", "at"), [(text, at) for text, at, _ in CONVENTIONS][::3])
def test_check_says_the_same(text: str, at: str) -> None:
    components = json.loads(run("check", text, "--at", at, "--json").out)["components"]
    notes = {one["note"] for one in components if one["verdict"] == "inconclusive"}
    assert notes == {one.partition(": ")[2] for one in told(text, at)}


@pytest.mark.parametrize(("text", "at"), SMOOTH)
def test_nothing_is_said_where_there_is_a_derivative(text: str, at: str) -> None:
    assert told(text, at) == []


@pytest.mark.parametrize(("text", "at"), [("sqrt(x)", "x=0"), ("1/x", "x=0"), ("log(x)", "x=-1")])
def test_what_is_not_finite_has_its_own_words(text: str, at: str) -> None:
    assert not any("convention" in one for one in told(text, at))


def test_only_what_is_asked_for_is_told_of() -> None:
    assert told("abs(x) + abs(y)", "x=0,y=0", "--wrt", "y") == [
        f"no derivative by y: {KINK.format(-1, 1, 0)}"
    ]
    assert told("abs(x) + y**2", "x=0,y=0", "--wrt", "y") == []
    assert told("abs(x) + y**2", "x=0,y=0", "--partial", "y") == []
    assert told("abs(x) + y**2", "x=0,y=1", "--along", "x=1,y=1") != []


def test_of_many_elements_the_first_are_named() -> None:
    (one,) = told("sum(abs(x))", "x=zeros(9)")
    assert one.startswith("no derivative by x[0], x[1], x[2], x[3], x[4] and 4 more: a kink")


def test_it_is_a_warning_beside_every_format() -> None:
    for form in ("plain", "table", "csv", "markdown", "latex"):
        done = run("grad", "abs(x)", "--at", "x=0", "-f", form)
        assert done.err == f"warning: no derivative by x: {KINK.format(-1, 1, 0)}\n"
        assert done.code == 0


def test_random_constants_are_those_of_the_seed_all_the_same() -> None:
    words = ("grad", "sum(abs(x*randn(2)))", "--at", "x=[0,1]", "--seed", "5")
    value = json.loads(run("eval", *words[1:], "--json").out)["value"]
    assert json.loads(run(*words, "--json").out)["value"] == value


def test_of_very_many_a_few_are_examined_and_the_others_counted() -> None:
    found = run("grad", "sum(abs(x))", "--at", "x=zeros(300)", "-f", "json")
    kink, others = json.loads(found.out)["warnings"]
    assert kink.startswith("no derivative by x[0], x[1], x[2], x[3], x[4] and 11 more: a kink")
    assert others == "284 more elements may have no derivative either"


def test_only_a_number_is_looked_at() -> None:
    """Of an array the derivative is weighted, and neither side of it would be its own."""
    found = run("grad", "abs(x)", "--at", "x=[0,1]", "--grad-output", "ones(2)", "-f", "json")
    assert json.loads(found.out)["warnings"] == []
