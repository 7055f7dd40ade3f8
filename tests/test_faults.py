"""What torch cannot compute is told in words of our own, at the place where it is."""

from __future__ import annotations

import pytest

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import evaluation, gradient, point
from autograd_cli.errors import AgxError, describe
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings

BROADCAST = "sizes are compared from the last dimension on: they are equal, or one of them is 1"
DIMENSIONS = "dimensions are counted 0, 1, … or, from the last one, -1, -2, …; each is given once"

CASES = [
    (
        "x + y",
        "x=[1,2,3],y=[1,2]",
        "+: the shapes do not fit: x is a vector of 3, y is a vector of 2",
        "^^^^^",
        BROADCAST,
    ),
    (
        "2*where(x > 0, x, y)",
        "x=[1,2,3],y=[1,2]",
        "where: the shapes do not fit: x > 0 is a vector of"
        " 3, x is a vector of 3, y is a vector of 2",
        "  ^^^^^^^^^^^^^^^^^^",
        BROADCAST,
    ),
    (
        "x > 0 and y > 0",
        "x=[1,2,3],y=[1,2]",
        "and: the shapes do not fit: x > 0 is a vector of 3, y > 0 is a vector of 2",
        "^^^^^^^^^^^^^^^",
        BROADCAST,
    ),
    (
        "A @ B",
        "A=[[1,2]],B=[[1,2]]",
        "@: the shapes do not fit: A is 1×2, B is 1×2",
        "^^^^^",
        "the first one has as many columns as the second one has rows",
    ),
    (
        "A @ 2",
        "A=[[1,2]]",
        "@: the shapes do not fit: A is 1×2, 2 is a number",
        "^^^^^",
        "for a product with a number, write *",
    ),
    (
        "dot(x, y)",
        "x=[1,2],y=[1,2,3]",
        "dot: the shapes do not fit: x is a vector of 2, y is a vector of 3",
        "^^^^^^^^^",
        "both have as many elements",
    ),
    (
        "1 + det(A)",
        "A=[[1,2]]",
        "det: the shapes do not fit: A is 1×2",
        "    ^^^^^^",
        "it takes a square matrix",
    ),
    (
        "trace(x)",
        "x=[1,2]",
        "trace: the shapes do not fit: x is a vector of 2",
        "^^^^^^^^",
        "it takes a matrix",
    ),
    (
        "outer(x, 3)",
        "x=[1,2]",
        "outer: the shapes do not fit: x is a vector of 2, 3 is a number",
        "^^^^^^^^^^^",
        "it takes vectors",
    ),
    (
        "sum(x, 1)",
        "x=[1,2]",
        "sum: there is no such dimension: x is a vector of 2",
        "^^^^^^^^^",
        DIMENSIONS,
    ),
    (
        "sum(A, dim=[0, 0])",
        "A=[[1,2]]",
        "sum: there is no such dimension: A is 1×2",
        "^^^^^^^^^^^^^^^^^^",
        DIMENSIONS,
    ),
    (
        "norm(A, 0.5)",
        "A=[[1,2]]",
        "norm has no such order here: A is 1×2",
        "^^^^^^^^^^^^",
        "1, 2, inf, -inf; any number for a vector, fro and nuc for a matrix",
    ),
    ("max(x)", "x=zeros(0)", "max of no elements: x is a vector of 0", "^^^^^^", ""),
    ("x[::0]", "x=[1,2]", "a slice's step must be positive", "^^^^^^", "for example x[::2]"),
    ("inv(A)", "A=zeros(2,2)", "the matrix is singular: it has no inverse", "^^^^^^", ""),
    ("clamp(x)", "x=1", "clamp needs a limit", "^^^^^^^^", "write clamp(x, min=None, max=None)"),
    (
        "mean(x > 0)",
        "x=1",
        "mean takes numbers, and x > 0 is a condition",
        "^^^^^^^^^^^",
        "where(condition, 1, 0) makes numbers of it",
    ),
    (
        "(x>0)-(x<0)",
        "x=1",
        "- takes numbers, and x>0 is a condition",
        "^^^^^^^^^^^",
        "where(condition, 1, 0) makes numbers of it",
    ),
    (
        "mse_loss(x, y, average)",
        "x=1,y=2",
        "reduction must be mean, sum or none",
        "               ^^^^^^^",
        "",
    ),
    (
        "sum(x, dim=99999999999999999999)",
        "x=1",
        "dim is beyond 64 bits",
        "           ^^^^^^^^^^^^^^^^^^^^",
        "",
    ),
    (
        "norm(x, frobenius)",
        "x=[1]",
        "ord must be a number, inf, fro or nuc",
        "        ^^^^^^^^^",
        "",
    ),
]


@pytest.mark.parametrize(("text", "at", "message", "carets", "hint"), CASES)
def test_the_message_the_place_and_the_cure(
    text: str, at: str, message: str, carets: str, hint: str
) -> None:
    context = resolve(Settings())
    with pytest.raises(AgxError) as caught:
        evaluation(read(text), point(read_values([at]), context), context)
    wanted = [f"error: {message}", f"  {text}", f"  {carets}"]
    assert describe(caught.value).splitlines() == wanted + ([f"  hint: {hint}"] if hint else [])


def test_a_number_beyond_the_dtype() -> None:
    context = resolve(Settings(dtype="float16"))
    with pytest.raises(AgxError) as caught:
        evaluation(read("x**1e308"), point(read_values(["x=2"]), context), context)
    assert caught.value.message == "**: a number beyond float16"
    assert caught.value.hint == "use --dtype float64"


@pytest.mark.parametrize("text", ["x*True"])
def test_true_is_one_in_a_product(text: str) -> None:
    context = resolve(Settings())
    found = gradient(read(text), point(read_values(["x=2"]), context), context)
    assert (found.value, found.gradient) == (2.0, {"x": 1.0})


@pytest.mark.parametrize(("text", "name"), [("x - True", "-"), ("relu(True) + x", "relu")])
def test_elsewhere_it_is_a_condition_as_in_torch(text: str, name: str) -> None:
    context = resolve(Settings())
    with pytest.raises(AgxError) as caught:
        evaluation(read(text), point(read_values(["x=2"]), context), context)
    assert caught.value.message == f"{name} takes numbers, and True is a condition"
