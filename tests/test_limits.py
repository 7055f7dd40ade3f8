"""Size: what is allowed is done without recursion and in linear time, what is not says so.

The limits are those of the documentation: a million characters, 200,000 operations, 200 levels of
nesting. Python's recursion limit is lowered to little more than the stack in use, so that any
descent into an expression or a graph would be caught.
"""

from __future__ import annotations

import inspect
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import evaluation, gradient
from autograd_cli.errors import AgxError, ReadError, describe
from autograd_cli.language.expression import Expression
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())


@contextmanager
def little_stack(frames: int = 60) -> Iterator[None]:
    """Room for `frames` more calls, which no recursion over thousands of nodes has."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def at(**values: float) -> dict[str, Tensor]:
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def refusal(text: str) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(text)
    return caught.value


@pytest.fixture(autouse=True, scope="module")
def warm() -> None:
    """What is imported at a first use needs more stack than is left below."""
    gradient(read("sin(x)*x/y - x**y"), at(x=1.0, y=2.0), CONTEXT)


def test_the_little_stack_catches_recursion() -> None:
    def descend(levels: int) -> int:
        return levels and descend(levels - 1)

    with little_stack(), pytest.raises(RecursionError):
        descend(100)


# Long --------------------------------------------------------------------------------------------

SUMS = (
    ("x" + " + x" * 99_999, 100_000.0),
    ("x" + " - -x" * 19_999, 20_000.0),
    (" + ".join(["((x))"] * 20_000), 20_000.0),
    ("[" + ", ".join(["x"] * 20_000) + "][0]", 1.0),
    ("sum([" + ", ".join(["x"] * 20_000) + "])", 20_000.0),
)


@pytest.mark.parametrize(("text", "slope"), SUMS, ids=["plus", "minus", "brackets", "list", "sum"])
def test_a_long_sum_is_read_evaluated_and_differentiated(text: str, slope: float) -> None:
    """Its gradient is exact: a sum of ones."""
    with little_stack():
        result = gradient(read(text), at(x=1.0), CONTEXT)
    assert result.gradient == {"x": slope}


def test_a_sum_of_different_terms() -> None:
    """x + 2*x + ... + n*x: value and gradient are n*(n + 1)/2, exactly."""
    count = 20_000
    text = " + ".join(f"{k}*x" for k in range(1, count + 1))
    with little_stack():
        result = gradient(read(text), at(x=1.0), CONTEXT)
    assert result.value == result.gradient["x"] == count * (count + 1) / 2


def test_a_long_product() -> None:
    with little_stack():
        result = gradient(read("*".join(["x"] * 10_000)), at(x=1.0), CONTEXT)
    assert (result.value, result.gradient["x"]) == (1.0, 10_000.0)


def test_a_long_power_tower_binds_to_the_right() -> None:
    """x**(x**(x**...)) tends to the t with t = x**t; from the left it would tend to 1."""
    with little_stack():
        result = gradient(read("**".join(["x"] * 10_001)), at(x=math.sqrt(2)), CONTEXT)
    assert result.value == pytest.approx(2.0, rel=1e-12)
    # Implicitly, from t = x**t: t' = (t**2/x)/(1 - t*log(x)) with t = 2, x = sqrt(2)
    slope = 4 / math.sqrt(2) / (1 - 2 * math.log(math.sqrt(2)))
    assert result.gradient["x"] == pytest.approx(slope, rel=1e-10)


CHAINS = (
    ("-" * 40_000 + "x", 2.0),
    ("-" * 39_999 + "x", -2.0),
    ("+" * 40_000 + "x", 2.0),
    ("- " * 10_000 + "(" * 200 + "x" + ")" * 200, 2.0),
    ("√" * 20_000 + "x", 1.0),
    ("x" + ".T" * 20_000, 2.0),
    ("[x]" + "[:]" * 10_000 + "[0]", 2.0),
    ("x" + "¹ " * 20_000, 2.0),
    ("where(x < 0, 1, " * 150 + "x" + ")" * 150, 2.0),
)


@pytest.mark.parametrize(("text", "value"), CHAINS, ids=[text[:6] for text, _ in CHAINS])
def test_a_long_chain(text: str, value: float) -> None:
    with little_stack():
        result = gradient(read(text), at(x=2.0), CONTEXT)
    assert result.value == pytest.approx(value, rel=1e-12)


def test_a_long_chain_of_conditions() -> None:
    with little_stack():
        assert evaluation(read("x" + " <= x" * 10_000), at(x=2.0), CONTEXT).value is True
        assert evaluation(read("not " * 20_001 + "(x > 0)"), at(x=2.0), CONTEXT).value is False
        chain = "x > 0" + " and x > 0" * 5_000 + " or x < 0" * 5_000
        assert evaluation(read(chain), at(x=2.0), CONTEXT).value is True


def test_many_arguments() -> None:
    names = [f"x{k}" for k in range(2_000)]
    values = at(**{name: float(k) for k, name in enumerate(names)})
    with little_stack():
        result = gradient(read(f"Max({', '.join(names)})"), values, CONTEXT)
    assert result.value == 1_999.0
    assert result.gradient == {name: float(name == "x1999") for name in names}


def test_many_named_steps_each_on_the_one_before() -> None:
    """u1 = x; u2 = u1 + 1; ...: fifty thousand deep, and none of them nests."""
    count = 50_000
    steps = ["u1=x", *(f"u{k}=u{k - 1}+1" for k in range(2, count + 1)), f"u{count}"]
    with little_stack():
        expression = read(";".join(steps))
        result = gradient(expression, at(x=0.5), CONTEXT)
    assert (result.value, result.gradient["x"]) == (count - 0.5, 1.0)
    assert len(expression.steps) == count
    assert expression.warnings == ()


def test_steps_that_double_stay_shared() -> None:
    """u2 = u1 + u1; ...: 2**60 paths, but sixty nodes."""
    steps = ["u0 = x", *(f"u{k} = u{k - 1} + u{k - 1}" for k in range(1, 61)), "u60"]
    expression = read("\n".join(steps))
    assert len(expression.nodes) == 61
    alone = ["u0 = x", *(f"u{k} = u{k - 1} + 1" for k in range(1, 61)), "u60"]
    times = []
    for one, slope in ((read("\n".join(alone)), 1.0), (expression, 2.0**60)):
        start = time.process_time()
        assert gradient(one, at(x=1.0), CONTEXT).gradient["x"] == slope
        times.append(time.process_time() - start)
    assert times[1] < 20 * times[0]


# Limits ------------------------------------------------------------------------------------------


def operations(expression: Expression) -> int:
    return sum(node.op not in ("number", "variable") for node in expression.nodes)


def test_two_hundred_thousand_operations_are_allowed() -> None:
    assert operations(read("x" + "+x" * 200_000)) == 200_000
    assert operations(read("x" + "+1" * 200_000)) == 200_000


TOO_MANY = ("x" + "+x" * 200_001, "-" * 200_001 + "x", "x" + "<x" * 200_001)


@pytest.mark.parametrize("text", TOO_MANY, ids=[text[:4] for text in TOO_MANY])
def test_more_operations_are_refused(text: str) -> None:
    error = refusal(text)
    assert error.message == "more than 200,000 operations"
    assert error.hint == "agx reads expressions; for programs of this size write a torch script"
    assert len(describe(error).splitlines()[1]) < 80


def test_a_million_characters_are_allowed() -> None:
    text = "x" + " " * 999_999
    assert len(text) == 1_000_000
    assert len(read(text).nodes) == 1
    assert len(read("# " + "x" * 999_996 + "\nx").nodes) == 1
    assert list(read("a" * 1_000_000).variables) == ["a" * 1_000_000]


def test_one_character_more_is_refused() -> None:
    error = refusal("x" + " " * 1_000_000)
    assert error.message == "1,000,001 characters; the limit is 1,000,000"
    assert error.hint == "agx reads expressions, not data: pass data with --at @values.json"
    assert error.span is None


NESTINGS = (
    ("(", "x", ")"),
    ("sin(", "x", ")"),
    ("[", "x", "]"),
    ("Max(x, ", "x", ")"),
    ("1 + (2*", "x", ")"),
    ("x[", "0", "]"),
    ("Piecewise((x, x < 0), (", "x", ", True))"),
    ("-(√(", "x", "))"),
)


@pytest.mark.parametrize(("opening", "middle", "closing"), NESTINGS, ids=[n[0] for n in NESTINGS])
def test_two_hundred_levels_are_allowed_and_no_more(
    opening: str, middle: str, closing: str
) -> None:
    brackets = sum(map(opening.count, "([")) - sum(map(opening.count, ")]"))
    assert brackets in (1, 2)
    levels = 200 // brackets
    with little_stack():
        if opening != "x[":
            read(opening * levels + middle + closing * levels)
        error = refusal(opening * (levels + 1) + middle + closing * (levels + 1))
    assert error.message == "more than 200 levels of nesting"
    assert error.hint == "use named steps: u = …; v = sin(u); v"
    assert error.span is not None
    before = opening * (levels + 1) + middle
    depth = sum(map(before[: error.span.start].count, "([")) - before[: error.span.start].count(")")
    assert depth == 200  # the caret stands under the bracket that is one too many


def test_two_hundred_levels_are_evaluated_and_differentiated() -> None:
    with little_stack():
        result = gradient(read("sin(" * 200 + "x" + ")" * 200), at(x=1.0), CONTEXT)
    value, slope = 1.0, 1.0
    for _ in range(200):
        slope *= math.cos(value)
        value = math.sin(value)
    assert result.value == pytest.approx(value, rel=1e-14)
    assert result.gradient["x"] == pytest.approx(slope, rel=1e-12)


def test_a_list_nested_deeper_than_tensors_go_is_an_error() -> None:
    """torch has at most 64 dimensions."""
    for levels in (64, 65, 100, 200):
        for middle in ("x", "1"):
            text = "[" * levels + middle + "]" * levels
            try:
                evaluation(read(text), at(x=1.0) if middle == "x" else {}, CONTEXT)
            except AgxError as error:
                describe(error)
            else:
                assert levels <= 64


# Linear time -------------------------------------------------------------------------------------

FAMILIES = {
    "marks": lambda n: "x" + "\u0301\u0327" * (n // 2),
    "marks in blocks": lambda n: "x" + "\u0301" * (n // 2) + "\u0327" * (n // 2),
    "sum": lambda n: "x" + "+x" * (n // 2),
    "tower": lambda n: "x" + "**x" * (n // 3),
    "comparisons": lambda n: "x" + "<x" * (n // 2),
    "minus": lambda n: "-" * n + "x",
    "not": lambda n: "not " * (n // 4) + "x",
    "roots": lambda n: "√" * n + "x",
    "superscripts": lambda n: "x" + "² " * (n // 2),
    "transposes": lambda n: "x" + ".T" * (n // 2),
    "indices": lambda n: "x" + "[0]" * (n // 3),
    "slices": lambda n: "x[" + ":," * (n // 2) + "]",
    "arguments": lambda n: "Max(" + "x," * (n // 2) + "x)",
    "list": lambda n: "[" + "x," * (n // 2) + "x]",
    "branches": lambda n: "Piecewise(" + "(x,x<0)," * (n // 8) + "(x,True))",
    "steps": lambda n: "".join(f"u{k}=x;" for k in range(n // 8)) + "x",
    "names": lambda n: "+".join(f"u{k}" for k in range(n // 6)),
    "comments": lambda n: "#\n" * (n // 2) + "x",
    "newlines": lambda n: "\n" * n + "x",
    "spaces": lambda n: " " * n + "x",
    "zeros": lambda n: "0." + "0" * n + "1",
    "ligatures": lambda n: "ﬃ" * n,
    "unknown": lambda n: "a" * n + "(x)",
    "libraries": lambda n: "torch." * (n // 6) + "sin(x)",
    "index arithmetic": lambda n: "x[" + "1+" * (n // 2) + "1]",
    "keywords": lambda n: "sum(x," + "dim=" * (n // 4) + "0)",
}


def reading_time(text: str) -> float:
    """Seconds of processor time that reading or refusing takes, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        try:
            read(text)
        except AgxError as error:
            describe(error)
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("family", FAMILIES)
def test_time_grows_with_the_length_and_not_with_its_square(family: str) -> None:
    """Sixteen times the text takes some 16 times as long, not 256, however it is arranged."""
    part, whole = (reading_time(FAMILIES[family](length)) for length in (2_000, 32_000))
    assert whole < 64 * part
