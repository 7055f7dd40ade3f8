"""Jacobians and Hessians as text: every kind in every format, against golden files."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from golden_files import Golden

from autograd_cli.console import Console
from autograd_cli.errors import columns
from autograd_cli.render import FORMATS, Output, emit
from autograd_cli.render.points import Points
from autograd_cli.render.style import Style
from autograd_cli.results.matrices import Hessian, Jacobian, Matrix, Spectrum

GOLDEN = Golden("matrices")
HERE: dict[str, Any] = {"dtype": "float64", "device": "cpu"}

SQUARES = Jacobian(
    expression="[x1**2, x1*x2, x2**2]",
    at={"x1": 2.0, "x2": 3.0},
    value=[4.0, 6.0, 9.0],
    output_names=("x1**2", "x1*x2", "x2**2"),
    input_names=("x1", "x2"),
    jacobian=[[4.0, 0.0], [3.0, 2.0], [0.0, 6.0]],
    mode="reverse",
    symbolic=[["2*x1", "0"], ["x2", "x1"], ["0", "2*x2"]],
    latex=[["2 x_{1}", "0"], ["x_{2}", "x_{1}"], ["0", "2 x_{2}"]],
    latex_expression=r"\left[x_{1}^{2}, x_{1} x_{2}, x_{2}^{2}\right]",
    **HERE,
)
WIDE = Jacobian(
    expression="softmax(W@x)",
    at={"W": [[0.125] * 3] * 2, "x": [1.0, 2.0, 3.0]},
    value=[0.5, 0.5],
    output_names=("softmax(W@x)[0]", "softmax(W@x)[1]"),
    input_names=tuple(f"W[{i},{j}]" for i in range(2) for j in range(3)),
    jacobian=[[0.25, 0.5, 0.75, -0.25, -0.5, -0.75], [-0.25, -0.5, -0.75, 0.25, 0.5, 1e-9]],
    mode="reverse",
    det=None,
    cond=12.5,
    singular_values=[1.5, 0.12],
    **HERE,
)
LONG = Jacobian(
    expression="x**2",
    at={"x": [float(i) for i in range(40)]},
    value=[float(i * i) for i in range(40)],
    output_names=tuple(f"(x**2)[{i}]" for i in range(40)),
    input_names=tuple(f"x[{i}]" for i in range(40)),
    jacobian=[[2.0 * i if i == j else 0.0 for j in range(40)] for i in range(40)],
    mode="reverse",
    **HERE,
)
SADDLE = Hessian(
    expression="x**2 - y**2",
    at={"x": 0.0, "y": 0.0},
    value=0.0,
    input_names=("x", "y"),
    gradient={"x": 0.0, "y": 0.0},
    critical_point=True,
    hessian=[[2.0, 0.0], [0.0, -2.0]],
    spectrum=Spectrum(
        eigenvalues=[-2.0, 2.0],
        eigenvectors=[[0.0, 1.0], [1.0, 0.0]],
        definiteness="indefinite",
        condition_number=1.0,
    ),
    asymmetry=0.0,
    symbolic=[["2", "0"], ["0", "-2"]],
    latex=[["2", "0"], ["0", "-2"]],
    latex_expression="x^{2} - y^{2}",
    **HERE,
)


def _hessian(definiteness: str, *, critical: bool, eigenvalues: list[float]) -> Hessian:
    return Hessian(
        expression="f(x)",
        at={"x": [0.0, 1.0]},
        value=1.0,
        input_names=("x[0]", "x[1]"),
        gradient={"x": [0.0, 0.0] if critical else [0.125, -1.0]},
        critical_point=critical,
        hessian=[[1.0, 0.5], [0.5, 1e-9]],
        spectrum=Spectrum(
            eigenvalues=eigenvalues,
            eigenvectors=[[0.6, 0.8], [0.8, -0.6]],
            definiteness=definiteness,
            condition_number=2.5,
        ),
        asymmetry=1e-17,
        **HERE,
    )


def _points() -> Iterator[Jacobian]:
    for x in (0.0, 0.5):
        yield Jacobian(
            expression="[x**2*y, x]",
            at={"x": x, "y": 2.0},
            value=[x * x * 2, x],
            output_names=("x**2*y", "x"),
            input_names=("x", "y"),
            jacobian=[[4 * x, x * x], [1.0, 0.0]],
            mode="reverse",
            **HERE,
        )


RESULTS: dict[str, Matrix | Points] = {
    "jacobian": SQUARES,
    "wide": WIDE,
    "long": LONG,
    "formulas": Jacobian(
        expression="[x*y, x]",
        at={},
        value=None,
        output_names=("x*y", "x"),
        input_names=("x", "y"),
        symbolic=[["y", "x"], ["1", "0"]],
        latex=[["y", "x"], ["1", "0"]],
        **HERE,
    ),
    "vjp": Jacobian(
        expression="[x*y, x]",
        at={"x": 1.0, "y": 2.0},
        value=[2.0, 1.0],
        output_names=("x*y", "x"),
        input_names=("x", "y"),
        mode="reverse",
        grad_output=[1.0, -1.0],
        vjp=[1.0, 1.0],
        **HERE,
    ),
    "jvp": Jacobian(
        expression="[x*y, x]",
        at={"x": 1.0, "y": 2.0},
        value=[2.0, 1.0],
        output_names=("x*y", "x"),
        input_names=("x", "y"),
        mode="forward",
        along={"x": 1.0},
        jvp=[2.0, 1.0],
        **HERE,
    ),
    "saddle": SADDLE,
    "slope": _hessian("positive definite", critical=False, eigenvalues=[1.0, 2.5]),
    "degenerate": _hessian("positive semidefinite", critical=True, eigenvalues=[0.0, 2.5]),
    "unknown": Hessian(
        expression="abs(x)**1.5",
        at={"x": 0.0},
        value=0.0,
        input_names=("x",),
        gradient={"x": 0.0},
        critical_point=True,
        hessian=[[float("nan")]],
        spectrum=Spectrum(
            eigenvalues=None, eigenvectors=None, definiteness="unknown", condition_number=None
        ),
        asymmetry=0.0,
        warnings=("a second derivative is nan",),
        **HERE,
    ),
    "hvp": Hessian(
        expression="x**2*y",
        at={"x": 2.0, "y": 3.0},
        value=12.0,
        input_names=("x", "y"),
        gradient={"x": 12.0, "y": 4.0},
        along={"x": 1.0, "y": 0.0},
        hvp=[6.0, 4.0],
        **HERE,
    ),
    "diagonal": Hessian(
        expression="sum(x**2)",
        at={"x": [1.0, 2.0]},
        value=5.0,
        input_names=("x[0]", "x[1]"),
        gradient={"x": [2.0, 4.0]},
        diagonal=[2.0, 2.0],
        trace=4.0,
        **HERE,
    ),
    "points": Points.of(_points(), ["y"], jacobian=None),
}

VARIANTS: dict[str, tuple[str, Style]] = {
    **{name: (name, Style()) for name in ("plain", "table", "json", "ndjson", "csv", "latex")},
    "table-40": ("table", Style(width=40)),
    "table-ascii": ("table", Style(unicode=False)),
}


def rendered(result: Matrix | Points, format: str, style: Style) -> str:
    """The text of a result; points can be asked for once more."""
    out = io.StringIO()
    console = Console(
        stdin=io.StringIO(),
        stdout=out,
        stderr=io.StringIO(),
        environ={},
        width=style.width,
        unicode=style.unicode,
    )
    if isinstance(result, Points):
        result = Points.of(_points(), ["y"], jacobian=None)
    emit(result, console, Output(format=FORMATS[format]))
    return out.getvalue()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", RESULTS)
def test_golden(name: str, variant: str) -> None:
    text = rendered(RESULTS[name], *VARIANTS[variant])
    GOLDEN.holds(name, variant, text)


def test_no_golden_file_is_left_over() -> None:
    GOLDEN.has_none_but(itertools.product(RESULTS, VARIANTS))


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120])
@pytest.mark.parametrize("name", RESULTS)
def test_no_line_is_longer_than_the_terminal_is_wide(name: str, width: int) -> None:
    for line in rendered(RESULTS[name], "table", Style(width=width)).splitlines():
        assert columns(line) <= width, line


@pytest.mark.parametrize("name", RESULTS)
def test_without_unicode_all_is_ascii(name: str) -> None:
    assert rendered(RESULTS[name], "table", Style(unicode=False)).isascii()


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_number_is_lost(width: int) -> None:
    text = re.sub(r"\s", "", rendered(WIDE, "table", Style(width=width)))
    for part in ("0.25", "0.5", "0.75", "-0.25", "1e-09", "W[1,2]", "12.5", "0.12"):
        assert part in text


@pytest.mark.parametrize("name", RESULTS)
def test_csv_is_a_rectangle_and_json_ends_with_the_warnings(name: str) -> None:
    rows = list(csv.reader(rendered(RESULTS[name], "csv", Style()).splitlines()))
    assert len({len(row) for row in rows}) == 1
    assert list(json.loads(rendered(RESULTS[name], "json", Style())))[-1] == "warnings"


@pytest.mark.parametrize("name", RESULTS)
def test_latex_is_balanced(name: str) -> None:
    text = rendered(RESULTS[name], "latex", Style())
    assert text.count(r"\begin") == text.count(r"\end") > 0
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
