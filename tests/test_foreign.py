"""LaTeX and Mathematica as people write them, and what must not get through."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import sympy

from autograd_cli.errors import (
    AgxError,
    EvaluationError,
    ReadError,
    UsageError,
)
from autograd_cli.language import foreign
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic import translate
from autograd_cli.language.symbolic.bridge import to_sympy

LATEX = [
    (r"\frac{1}{x}", "1/x"),
    (r"\frac12 x", "1/2*x"),
    (r"\dfrac{x}{y} z", "x/y*z"),
    (r"\sqrt{x^2 + y^2}", "sqrt(x**2 + y**2)"),
    (r"\sqrt[3]{x}", "cbrt(x)"),
    (r"\sqrt[4]{x}", "x**(1/4)"),
    (r"\sin^2 x + \cos^{2} x", "sin(x)**2 + cos(x)**2"),
    (r"\sin^{-1} x", "asin(x)"),
    (r"\sin 2x \cos y", "sin(2*x)*cos(y)"),
    (r"\sin x + y", "sin(x) + y"),
    (r"\sin\left(x\right)\cos\left(y\right)", "sin(x)*cos(y)"),
    (r"e^{-x}", "exp(-x)"),
    (r"2e", "2*E"),
    (r"\mathrm{e}^{x}", "exp(x)"),
    (r"e^{-\frac{x^2}{2}}", "exp(-x**2/2)"),
    (r"\exp(-x^2)", "exp(-x**2)"),
    (r"\ln x + \log(y)", "ln(x) + log(y)"),
    (r"\log_2 x", "log(x, 2)"),
    (r"\ln|x|", "ln(abs(x))"),
    (r"\left( x+1 \right)^2", "(x + 1)**2"),
    (r"\left[ x + 1 \right] \cdot \bigl( x - 1 \bigr)", "(x + 1)*(x - 1)"),
    (r"x \cdot y \times z \div 2", "x*y*z/2"),
    (r"2x^2 + 3xy - y^2", "2*x**2 + 3*x*y - y**2"),
    (r"x - y - z", "x - y - z"),
    (r"x - (y - z)", "x - (y - z)"),
    (r"-x^2", "-x**2"),
    (r"a \cdot (-b)", "a*(-b)"),
    (r"2 - 3 - -4", "2 - 3 + 4"),
    (r"x_1 x_{12} x_i x_{max} x_{\text{min}}", "x_1*x_12*x_i*x_max*x_min"),
    (r"\alpha x + \beta_0 + \varepsilon", "alpha*x + beta_0 + epsilon"),
    (r"\hat{y} - \bar{x}", "y_hat - x_bar"),
    (r"\pi r^2", "pi*r**2"),
    (r"|x - y|^2", "abs(x - y)**2"),
    (r"\left|x\right| + \lvert y \rvert", "abs(x) + abs(y)"),
    (r"\lfloor x \rfloor + \lceil x \rceil", "floor(x) + ceil(x)"),
    (r"x^{y^z}", "x**y**z"),
    (r"(x^y)^z", "(x**y)**z"),
    (r"2^{x+1}", "2**(x + 1)"),
    (r"x^{-2} y^{\frac{1}{2}}", "x**(-2)*y**(1/2)"),
    (r"\tanh x + \arctan(y)", "tanh(x) + arctan(y)"),
    (r"\frac{e^x - e^{-x}}{e^x + e^{-x}}", "(exp(x) - exp(-x))/(exp(x) + exp(-x))"),
    (
        r"\frac{1}{\sqrt{2\pi\sigma^2}} e^{-\frac{(x-\mu)^2}{2\sigma^2}}",
        "1/sqrt(2*pi*sigma**2)*exp(-(x - mu)**2/(2*sigma**2))",
    ),
    (r"\binom{n}{k}", "factorial(n)/(factorial(k)*factorial(n - k))"),
    (r"n!", "factorial(n)"),
    (r"\Gamma(x)", "gamma(x)"),
    (r"\max(x, 0)", "max(x, 0)"),
    (r"\operatorname{sigmoid}(x) + \text{ReLU}(y)", "sigmoid(x) + relu(y)"),
    (r"\mathrm{erf}(x)", "erf(x)"),
    (r"r x(1 - x)", "r*x*(1 - x)"),
    (r"x > 0", "x > 0"),
    (r"x \leq y", "x <= y"),
    (r"\infty", "inf"),
    (r"1{,}000 x", "1000*x"),
    (r"0.1 x", "0.1*x"),
    (r"$x^2$", "x**2"),
    (r"\[ x^2 \]", "x**2"),
    (r"x\,y\;z", "x*y*z"),
    (r"\mathbf{w} \cdot \mathrm{loss}", "w*loss"),
]

MATHEMATICA = [
    ("x^2 + 2 x y + y^2", "x**2 + 2*x*y + y**2"),
    ("Sin[x]^2", "sin(x)**2"),
    ("-x^2", "-x**2"),
    ("a - b - c", "a - b - c"),
    ("a - (b - c)", "a - (b - c)"),
    ("a/b*c", "a/b*c"),
    ("a/b/c", "a/b/c"),
    ("a/(b c)", "a/(b*c)"),
    ("1/2x", "1/2*x"),
    ("a*-b", "a*(-b)"),
    ("2^3^4", "2**3**4"),
    ("(x^2)^y", "(x**2)**y"),
    ("x^-1", "1/x"),
    ("Exp[-x^2/2]", "exp(-x**2/2)"),
    ("E^-x", "exp(-x)"),
    ("2 Pi r + E", "2*pi*r + E"),
    ("Log[x] + Log[2, x]", "log(x) + log(x, 2)"),
    ("ArcTan[y] + ArcTan[x, y]", "atan(y) + atan2(y, x)"),
    ("ArcSin[x] + ArcCosh[y]", "asin(x) + acosh(y)"),
    ("Sqrt[x^2 + y^2]", "sqrt(x**2 + y**2)"),
    ("Abs[x] + Sign[x]", "abs(x) + sign(x)"),
    ("Max[x, y, 0]", "max(x, y, 0)"),
    ("Floor[x] + Ceiling[x] + Mod[x, 3]", "floor(x) + ceil(x) + mod(x, 3)"),
    ("Erf[x] + Gamma[x] + BesselJ[0, x]", "erf(x) + gamma(x) + j0(x)"),
    ("PolyGamma[1, x]", "polygamma(1, x)"),
    ("Piecewise[{{x, x > 0}, {-x, x < 0}}]", "where(x > 0, x, where(x < 0, -x, 0))"),
    ("Piecewise[{{x, x > 0}}, 1]", "where(x > 0, x, 1)"),
    ("If[x > 0 && y > 0, x, y]", "where(x > 0 and y > 0, x, y)"),
    ("Which[x > 1, x, True, 1]", "where(x > 1, x, 1)"),
    ("Not[x > 0 || y == 0]", "not (x > 0 or y == 0)"),
    ("a < b < c", "a < b < c"),
    ("Coth[x] + Sinc[x]", "1/tanh(x) + sinc(x/pi)"),
    ("{x, y}.{1, 2}", "[x, y] @ [1, 2]"),
    ("Total[x^2] + x[[1]] + A[[1, -1]]", "sum(x**2) + x[0] + A[0, -1]"),
    ("x! + 3x^2y", "factorial(x) + 3*x**2*y"),
    (r"\[Alpha] x + \[Pi]", "alpha*x + pi"),
    (r"Exp[-\[Infinity]] + Infinity", "exp(-inf) + inf"),
    ("(* a comment *) x +\n 1", "x + 1"),
    ("1.5*x", "1.5*x"),
]


@pytest.mark.parametrize(("source", "found"), LATEX)
def test_latex(source: str, found: str) -> None:
    assert foreign.translate(source, "latex") == found


@pytest.mark.parametrize(("source", "found"), MATHEMATICA)
def test_mathematica(source: str, found: str) -> None:
    assert foreign.translate(source, "mathematica") == found


# What SymPy's own last stage has no functions for, or would give to `sympify`.
BEYOND_SYMPY = ("[[", "{", "\\", "!", "(*", " < ", "If", "Not", "Which", "E", "Gamma", "Bessel",
                "Sinc", "Abs", "Floor")  # fmt: skip


@pytest.mark.parametrize(
    "source", [s for s, _ in MATHEMATICA if not any(part in s for part in BEYOND_SYMPY)]
)
def test_it_means_what_sympy_takes_it_for(source: str) -> None:
    from sympy.parsing.mathematica import parse_mathematica

    theirs = parse_mathematica(source)
    real = {symbol: sympy.Symbol(symbol.name, real=True) for symbol in theirs.free_symbols}
    assert to_sympy(read(foreign.translate(source, "mathematica")), {}) == theirs.subs(real)


# Errors ------------------------------------------------------------------------------------------

BAD_MATHEMATICA = [
    ("Foo[x]", "unknown function 'Foo'", (0, 3)),
    ("2 + sin[x]", "unknown function 'sin'", (4, 7)),
    ("Sin[x, y]", "Sin cannot be read with 2 arguments", (0, 3)),
    ("Sin[x", "no formula", None),
    ("x $ y", "has no meaning", (2, 3)),
    ("π x", "only ASCII", (0, 1)),
    ("x_1", "pattern", (0, 2)),
    ("1.5*^-3", r"'\*\^'", (3, 5)),
    ("x = 2", "an assignment", None),
    ("D[x^2, x]", "a derivative", None),
    ("Integrate[x, x]", "an integral", None),
    ("I x", "complex", (0, 1)),
    ("a < b <= c", "LessEqual", None),
    ("BesselJ[2, x]", "BesselJ", (0, 7)),
    ("f[g][x]", "by its name", None),
    ("x; y", "several expressions", None),
    ('"x"', "string", (0, 1)),
    ("", "empty", None),
]


@pytest.mark.parametrize(("source", "message", "span"), BAD_MATHEMATICA)
def test_mathematica_that_is_refused(
    source: str, message: str, span: tuple[int, int] | None
) -> None:
    with pytest.raises(ReadError, match=message) as caught:
        foreign.translate(source, "mathematica")
    assert caught.value.span == span


def test_other_limits() -> None:
    with pytest.raises(UsageError, match="unknown syntax 'maple'"):
        foreign.translate("x", "maple")
    with pytest.raises(ReadError, match="the limit is 10,000"):
        foreign.translate("x" * 10_001, "mathematica")
    with pytest.raises(ReadError, match="levels of nesting"):
        foreign.translate("Sin[" * 250 + "x" + "]" * 250, "mathematica")


# In the worker -----------------------------------------------------------------------------------


def test_the_worker_translates_and_passes_errors_on() -> None:
    assert translate("Sin[x]^2", "mathematica", seconds=60) == "sin(x)**2"
    with pytest.raises(ReadError, match="unknown function 'Foo'") as caught:
        translate("2 + Foo[x]", "mathematica", seconds=60)
    assert caught.value.span == (4, 7)
    assert caught.value.source == "2 + Foo[x]"


def test_a_formula_that_takes_too_long_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="it took too long"):
        translate("+".join("x" * 4000), "mathematica", seconds=0.05)


EXPLOITS = [
    ("mathematica", "Identity[\"__import__('os').system('touch pwned')\"]"),
    ("mathematica", "\"__import__('os').system('touch pwned')\""),
    ("mathematica", "Defer[\"__import__('os').system('touch pwned')\"]"),
    ("mathematica", "Plus[x, \"open('pwned', 'w')\"]"),
    ("mathematica", "Identity[open[pwned]]"),
    ("mathematica", "__import__('os').system('touch pwned')"),
    ("mathematica", "x.__class__.__mro__"),
    ("latex", r"\mathit{__import__('os').system('touch pwned')}"),
    ("latex", r"\mathrm{open}('pwned', 'w')"),
    ("latex", r"x_{open('pwned','w')}"),
    ("latex", r"\text{__import__('os').system('touch pwned')}"),
    ("latex", r"__import__('os').system('touch pwned')"),
    ("latex", r"\operatorname{eval}(\text{open})"),
]


@pytest.mark.parametrize(("syntax", "source"), EXPLOITS)
def test_no_text_is_run(
    syntax: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def reached(*args: object, **options: object) -> None:
        raise AssertionError("text was given to Python")

    monkeypatch.setattr("builtins.eval", reached)
    monkeypatch.setattr("sympy.parsing.sympy_parser.parse_expr", reached)
    with contextlib.suppress(AgxError):
        assert foreign.translate(source, syntax).isidentifier()  # a subscript becomes a name
    assert not list(tmp_path.iterdir())
