"""LaTeX to terms, by SymPy's LaTeX parser on ANTLR, which evaluates no text."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from autograd_cli.errors import MissingExtraError, ReadError, Span
from autograd_cli.language.functions import find, suggest
from autograd_cli.language.symbolic.terms import Term, call, flat, name, number, power, reciprocal

RUNTIME = "4.11"  # the version of ANTLR that SymPy's grammar is compiled for

_HINT = "pip install 'autograd-cli[latex]'"


def prepare() -> None:
    """Imports the parser.

    Raises: MissingExtraError if it is not installed in the version that SymPy needs.
    """
    if importlib.util.find_spec("antlr4") is None:
        raise MissingExtraError("reading LaTeX needs ANTLR's runtime", hint=_HINT)
    try:
        installed = version("antlr4-python3-runtime")
    except PackageNotFoundError:
        installed = "unknown"
    if not installed.startswith(RUNTIME):
        raise MissingExtraError(
            f"reading LaTeX needs version {RUNTIME} of ANTLR's runtime, not {installed}", hint=_HINT
        )
    import sympy.parsing.latex._parse_latex_antlr  # noqa: F401


def read(source: str) -> Term:
    """A LaTeX formula as a term.

    Raises: ReadError where it is no formula, or has something that agx has not.
    """
    prepare()
    from sympy.parsing.latex import LaTeXParsingError, parse_latex

    _check_commands(source)
    text = _normal(source)
    try:
        parsed = parse_latex(text, strict=True)
    except LaTeXParsingError as error:
        raise _misread(str(error), text, source) from error
    except ReadError:
        raise
    except RecursionError:
        raise ReadError("the formula is nested too deeply", source=source) from None
    except Exception as error:  # the parser fails in many ways on what it does not know
        raise ReadError("this is no formula that can be read", source=source) from error
    if not isinstance(parsed, sympy.Basic):  # an operator without its operand, such as d/dx
        raise ReadError("a derivative operator stands alone", source=source)
    return _term(parsed, source)


# Before parsing ----------------------------------------------------------------------------------
# What SymPy's grammar does not know is put in words that it does, at the same length, so that
# places in the text stay what they are.

_STYLES = "operatorname|mathrm|mathit|mathbf|mathsf|boldsymbol|bm|textrm|textit|textbf|text"


def _word(match: re.Match[str]) -> str:
    word = match[1]
    return word if len(word) == 1 or word.startswith("\\") else f"\\{word}"


_DECORATIONS = "hat|bar|tilde|vec|widehat|widetilde|breve|check"

_REWRITES: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = (
    (re.compile(r"\A\s*(?:\$\$?|\\\[|\\\()"), lambda match: ""),
    (re.compile(r"(?:\$\$?|\\\]|\\\))\s*\Z"), lambda match: ""),
    (re.compile(r"\\(?:left|right)(?![A-Za-z])\s*\.?"), lambda match: ""),
    (re.compile(r"\\[bB]igg?[lrm]?(?![A-Za-z])"), lambda match: ""),
    (re.compile(r"\\[lr]?vert(?![A-Za-z])"), lambda match: "|"),
    (re.compile(r"\\(?:displaystyle|limits)(?![A-Za-z])"), lambda match: ""),
    (re.compile(r"\\q?quad(?![A-Za-z])|\\[,;:! ]|~"), lambda match: ""),
    (
        re.compile(rf"\\({_DECORATIONS})\s*\{{\s*(\\?[A-Za-z]+)\s*\}}"),
        lambda match: f"{match[2]}_\\{match[1]}",
    ),
    (re.compile(rf"\\(?:{_STYLES})\*?\s*\{{\s*(\\?[A-Za-z]+)\s*\}}"), _word),
    (re.compile(r"_\{\s*(\\?[A-Za-z]{2,})\s*\}"), lambda match: f"_{_word(match)}"),
    (re.compile(r"\d{1,3}(?:\{,\}\d{3})+"), lambda match: match[0].replace("{,}", "")),
    (re.compile(r"\\(?:dfrac|tfrac|cfrac)(?![A-Za-z])"), lambda match: "\\frac"),
)


_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi"
    " omicron pi rho varrho sigma tau upsilon phi varphi chi psi omega"
)
_WORDS = """
    left right big Big bigg Bigg bigl Bigl bigr Bigr biggl biggr vert lvert rvert
    quad qquad thinspace medspace thickspace displaystyle limits
    frac dfrac tfrac cfrac sqrt binom dbinom tbinom times cdot div infty hbar ell
    lfloor rfloor lceil rceil overline lim to int sum prod partial
    le leq leqslant leqq ge geq geqslant geqq neq
    exp log lg ln sin cos tan csc sec cot sinh cosh tanh arsinh arcosh artanh
    arcsin arccos arctan arccsc arcsec arccot
"""
_COMMANDS = {
    *_STYLES.split("|"),
    *_DECORATIONS.split("|"),
    *_GREEK.split(),
    *_GREEK.title().split(),
    *_WORDS.split(),
}


def _check_commands(source: str) -> None:
    r"""Refuses the commands that SymPy would take for names: \hat{x} is not hat*x."""
    for found in re.finditer(r"\\([A-Za-z]+)", source):
        called = re.match(r"\s*(?:\\left\s*)?\(", source[found.end() :])
        if found[1] not in _COMMANDS and not (called and _known(found[1])):
            raise ReadError(
                f"'{found[0]}' cannot be read here",
                span=Span(*found.span()),
                source=source,
                hint=r"a name of several letters is written \mathrm{name}",
            )


def _normal(source: str) -> str:
    text = source
    for pattern, rewrite in _REWRITES:
        text = pattern.sub(lambda match: rewrite(match).ljust(len(match[0])), text)  # noqa: B023
    return text


def _misread(message: str, text: str, source: str) -> ReadError:
    """The parser's complaint, with the place it points at."""
    marker = message.rsplit("\n", 1)[-1]
    hint = ""
    if re.search(r"\\sqrt\s*[A-Za-z0-9\\]", text):
        hint = r"write the root's operand in braces: \sqrt{x}"
    if not re.fullmatch(r"~*\^", marker):
        return ReadError("this is not one formula from end to end", source=source, hint=hint)
    start = len(text) - len(text.lstrip()) + len(marker) - 1
    start = min(start, len(source))
    found = re.match(r"\\[A-Za-z]+", source[start:])
    end = start + (len(found[0]) if found else 1)
    shown = source[start:end]
    what = f"'{shown}' cannot be read here" if shown.strip() else "the formula is not finished"
    return ReadError(what, span=Span(start, end), source=source, hint=hint)


# After parsing -----------------------------------------------------------------------------------

_FUNCTIONS: Mapping[str, str] = {"Abs": "abs", "ceiling": "ceil", "Gamma": "gamma"}

_IN_OTHER_WORDS: Mapping[str, Callable[..., Term]] = {
    "binomial": lambda n, k: _binomial(n, k),
    "asec": lambda x: call("acos", reciprocal(x)),
    "acsc": lambda x: call("asin", reciprocal(x)),
    "acot": lambda x: call("atan", reciprocal(x)),
    "coth": lambda x: reciprocal(call("tanh", x)),
    "sech": lambda x: reciprocal(call("cosh", x)),
    "csch": lambda x: reciprocal(call("sinh", x)),
    "acoth": lambda x: call("atanh", reciprocal(x)),
    "asech": lambda x: call("acosh", reciprocal(x)),
    "acsch": lambda x: call("asinh", reciprocal(x)),
}

_VARIANTS = {"varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "varrho": "rho"}

_ABSENT = {
    "Derivative": ("a derivative", "agx differentiates what it is given: leave d/dx out"),
    "Integral": ("an integral", ""),
    "Sum": ("a sum with an index", "write the terms out, or sum(x) over a vector"),
    "Product": ("a product with an index", "write the factors out, or prod(x) over a vector"),
    "Limit": ("a limit", ""),
    "Equality": ("an equation", "leave out the left side: agx takes the expression alone"),
    "Bra": ("a bra", ""),
    "Ket": ("a ket", ""),
}

_RELATIONS = {
    "StrictLessThan": "<",
    "LessThan": "<=",
    "StrictGreaterThan": ">",
    "GreaterThan": ">=",
    "Unequality": "!=",
}


def _term(parsed: sympy.Basic, source: str) -> Term:
    """SymPy's tree, which it has left unevaluated, as a term; a loop with a stack of its own."""
    order: list[sympy.Basic] = []
    pending: list[Any] = [parsed]
    while pending:
        node = pending.pop()
        if type(node).__name__ in _ABSENT:
            what, hint = _ABSENT[type(node).__name__]
            raise ReadError(f"agx has no form for {what}", source=source, hint=hint)
        order.append(node)
        pending += node.args
    found: dict[int, Term] = {}
    for node in reversed(order):
        found[id(node)] = _node(node, [found[id(arg)] for arg in node.args], source)
    return found[id(parsed)]


def _node(node: Any, args: Sequence[Term], source: str) -> Term:
    kind = type(node).__name__
    if node.is_Symbol:
        return _symbol(node.name, source)
    if node is sympy.oo:
        return name("inf")
    if node is sympy.E:
        return name("E")
    if node.is_Integer or node.is_Float:
        return number(str(sympy.sstr(node, full_prec=False)))
    if node.is_Rational:
        return flat("*", [number(str(node.p)), reciprocal(number(str(node.q)))])
    if node.is_Add:
        return flat("+", args)
    if node.is_Mul:
        return flat("*", args)
    if node.is_Pow:
        return _power(node, *args)
    if kind in _RELATIONS:
        return Term(_RELATIONS[kind], tuple(args))
    if kind == "log":
        return call("log", *(args[:1] if len(args) == 2 and args[1] == name("E") else args))
    if isinstance(node, AppliedUndef):
        return _application(kind, args, source)
    return _function(kind, args, source)


def _power(node: sympy.Pow, base: Term, exponent: Term) -> Term:
    if base == name("E"):
        return call("exp", exponent)
    if node.exp == sympy.S.Half:
        return call("sqrt", base)
    if node.exp == sympy.Rational(1, 3):  # a cube root in a formula is the real one
        return call("cbrt", base)
    return power(base, exponent)


def _symbol(text: str, source: str) -> Term:
    if text == "e":
        return name("E")
    if "'" in text:
        raise ReadError(
            f"agx has no form for the derivative {text}",
            source=source,
            hint="write the function out; agx differentiates it",
        )
    base, _, subscript = text.partition("_")
    plain = re.sub(r"[^A-Za-z0-9]+", "_", subscript).strip("_")
    base = _VARIANTS.get(base, base)
    return name(f"{base}_{plain}" if plain else base)


def _binomial(n: Term, k: Term) -> Term:
    rest = flat("+", [n, flat("*", [number("-1"), k])])
    over = flat("*", [call("factorial", k), call("factorial", rest)])
    return flat("*", [call("factorial", n), reciprocal(over)])


def _known(spelling: str) -> str:
    """How agx spells the function: `ReLU` is relu; "" if there is none."""
    spelling = _FUNCTIONS.get(spelling, spelling)
    return next((word for word in (spelling, spelling.lower()) if find(word)), "")


def _function(spelling: str, args: Sequence[Term], source: str) -> Term:
    known = _known(spelling)
    if not known and spelling in _IN_OTHER_WORDS:
        return _IN_OTHER_WORDS[spelling](*args)
    if not known:
        near = suggest(spelling)
        raise ReadError(
            f"unknown function '{spelling}'",
            source=source,
            span=_place(spelling, source),
            hint=f"did you mean '{near}'?" if near else "see 'agx functions'",
        )
    return call(known, *args)


def _application(spelling: str, args: Sequence[Term], source: str) -> Term:
    """`f(x)` is a call, `x(y + 1)` a product; which one it is depends on the name."""
    if _known(spelling):
        return _function(spelling, args, source)
    is_letter = len(spelling.partition("_")[0]) == 1 and spelling not in "fghFGH"
    if len(args) == 1 and is_letter:
        return flat("*", [_symbol(spelling, source), args[0]])
    raise ReadError(
        f"unknown function '{spelling}'",
        source=source,
        span=_place(spelling, source),
        hint=rf"if it is a factor, write \cdot after it: {spelling} \cdot (...)",
    )


def _place(spelling: str, source: str) -> Span | None:
    found = re.search(rf"(?<![A-Za-z\\])\\?{re.escape(spelling)}(?![A-Za-z])", source)
    return Span(*found.span()) if found else None
