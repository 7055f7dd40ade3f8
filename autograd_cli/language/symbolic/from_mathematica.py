"""Mathematica's input form to terms.

SymPy's parser has three stages: tokens, the full form as nested lists, and SymPy objects. The last
one gives texts to `sympify`, which evaluates them as Python, so only the first two are used here;
the full form becomes terms by the tables below.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy.parsing.mathematica import MathematicaParser

from autograd_cli.errors import ReadError, Span
from autograd_cli.language.terms import Term, call, flat, name, number, power, reciprocal

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_LETTER = re.compile(r"\\\[(?:Capital)?([A-Z][a-z]+)\]")
_COMMENT = re.compile(r"\(\*.*?\*\)", re.DOTALL)


def read(source: str) -> Term:
    """A formula in Mathematica's input form as a term.

    Raises: ReadError where it is no formula, or has something that agx has not.
    """
    text = _COMMENT.sub(lambda match: " " * len(match[0]), source)
    text = _LETTER.sub(_letter, text).replace("\n", " ")
    parser = MathematicaParser()
    _check(text, source)
    try:
        tokens = parser._from_mathematica_to_tokens(text)
    except SyntaxError:
        tokens = []
    _check_complete(tokens, text, source)
    try:
        form = parser._from_tokens_to_fullformlist(tokens)
    except RecursionError:
        raise ReadError("the formula is nested too deeply", source=source) from None
    except Exception as error:  # a SyntaxError for some mistakes, an IndexError for others
        raise ReadError("this is no formula of Mathematica's", source=source) from error
    return _term(form, source)


def _letter(match: re.Match[str]) -> str:
    word = match[1] if match[1] in _CONSTANTS or "Capital" in match[0] else match[1].lower()
    return word.ljust(len(match[0]))


def _check(text: str, source: str) -> None:
    """Refuses what the tokenizer would take for something else."""
    for pattern, message, hint in (
        (r'"', "a string has no place in a formula", ""),
        (r"[^\x00-\x7f]", "only ASCII can be read here", r"Greek letters are written \[Alpha]"),
        (r"\*\^", "'*^' cannot be read here", "write 1.5*10^-3"),
        (r"[A-Za-z0-9]_|_[A-Za-z0-9]", "'_' is a pattern in Mathematica", "name it x1"),
    ):
        if found := re.search(pattern, text):
            span = Span(found.start(), found.end())
            raise ReadError(message, span=span, source=source, hint=hint)


def _check_complete(tokens: Sequence[Any], text: str, source: str) -> None:
    """The tokenizer skips what it does not know; a formula must not lose a part in silence."""
    position = 0
    for token in [*tokens, ""]:
        while position < len(text) and text[position].isspace() and token != text[position]:
            position += 1
        if (
            not isinstance(token, str)
            or not text.startswith(token, position)
            or (token == "" and position < len(text))
        ):
            raise ReadError(
                f"'{source[position]}' has no meaning here",
                span=Span(position, position + 1),
                source=source,
            )
        position += len(token)
    if not tokens:
        raise ReadError("the expression is empty", source=source)


# The full form -----------------------------------------------------------------------------------


def _term(form: Any, source: str) -> Term:
    """The nested lists as a term, by a loop with a stack of its own."""
    order: list[Any] = []
    pending: list[Any] = [form]
    while pending:
        node = pending.pop()
        order.append(node)
        if isinstance(node, list):
            if not node or not isinstance(node[0], str):
                raise ReadError("a function must be called by its name", source=source)
            pending += node[1:]
    found: dict[int, Term] = {}
    for node in reversed(order):
        if isinstance(node, list):
            args = [
                _atom(arg, source) if isinstance(arg, str) else found[id(arg)] for arg in node[1:]
            ]
            found[id(node)] = _apply(node[0], args, source)
    return found[id(form)] if isinstance(form, list) else _atom(form, source)


def _atom(text: Any, source: str) -> Term:
    if isinstance(text, str) and _NUMBER.fullmatch(text):
        return number(text)
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        raise ReadError(f"'{text}' has no meaning here", source=source, span=_place(text, source))
    if text == "I":
        raise ReadError(
            "agx has no complex numbers", source=source, span=_place(text, source),
            hint="rename the variable I if it is not the imaginary unit",
        )  # fmt: skip
    return _CONSTANTS.get(text, name(text))


def _apply(head: str, args: Sequence[Term], source: str) -> Term:
    if head in _ABSENT:
        raise ReadError(f"agx has no form for {_ABSENT[head]}", source=source)
    if head not in _HEADS:
        near = difflib.get_close_matches(head, _HEADS, n=1)
        raise ReadError(
            f"unknown function '{head}'",
            span=_place(head, source),
            source=source,
            hint=f"did you mean '{near[0]}'?" if near else "see 'agx functions'",
        )
    try:
        return _HEADS[head](*args)
    except (TypeError, ValueError):
        raise ReadError(
            f"{head} cannot be read with {len(args)} arguments of this kind",
            span=_place(head, source),
            source=source,
        ) from None


def _place(text: Any, source: str) -> Span | None:
    found = re.search(rf"(?<![A-Za-z0-9]){re.escape(str(text))}(?![A-Za-z0-9])", source)
    return Span(*found.span()) if found else None


Head = Callable[..., Term]


def _calls(function: str, least: int = 1, most: int | None = 1) -> Head:
    def head(*args: Term) -> Term:
        if len(args) < least or (most is not None and len(args) > most):
            raise ValueError
        return call(function, *args)

    return head


def _inverse(function: str) -> Head:
    return lambda x: reciprocal(call(function, x))


def _of_inverse(function: str) -> Head:
    return lambda x: call(function, reciprocal(x))


def _log(*args: Term) -> Term:
    if len(args) == 2:  # Log[b, x]
        return call("log", args[1], args[0])
    (x,) = args
    return call("log", x)


def _arctan(*args: Term) -> Term:
    if len(args) == 2:  # ArcTan[x, y]
        return call("atan2", args[1], args[0])
    (x,) = args
    return call("atan", x)


def _gamma(*args: Term) -> Term:
    if len(args) == 2:
        return flat("*", [call("gammaincc", *args), call("gamma", args[0])])
    (x,) = args
    return call("gamma", x)


def _polygamma(*args: Term) -> Term:
    if len(args) == 2:
        return call("polygamma", *args)
    (x,) = args
    return call("digamma", x)


def _bessel(letter: str) -> Head:
    def head(order: Term, x: Term) -> Term:
        if order.name not in ("0", "1"):
            raise ValueError
        return call(f"{letter}{order.name}", x)

    return head


def _compare(sign: str) -> Head:
    def head(*args: Term) -> Term:
        if len(args) < 2 or any(arg.head in _SIGNS.values() for arg in args):
            raise ValueError
        return Term(sign, args)

    return head


def _logic(sign: str) -> Head:
    return lambda *args: args[0] if len(args) == 1 else Term(sign, args)


def _where(condition: Term, x: Term, y: Term) -> Term:
    return call("where", condition, x, y)


def _piecewise(branches: Term, rest: Term | None = None) -> Term:
    result = number("0") if rest is None else rest
    if branches.head != "list":
        raise ValueError
    for branch in reversed(branches.args):
        if branch.head != "list":
            raise ValueError
        value, condition = branch.args
        result = value if condition == name("True") else _where(condition, value, result)
    return result


def _which(*args: Term) -> Term:
    if not args or len(args) % 2:
        raise ValueError
    result = name("nan")
    for condition, value in reversed(list(zip(args[::2], args[1::2], strict=True))):
        result = value if condition == name("True") else _where(condition, value, result)
    return result


def _part(value: Term, *places: Term) -> Term:
    """Mathematica counts from 1, and from the end with negative numbers, as Python does."""
    counted = [int(place.name) for place in places if place.head == "number"]
    if len(counted) != len(places) or 0 in counted or not places:
        raise ValueError
    return Term("index", (value, *(number(str(i - 1 if i > 0 else i)) for i in counted)))


def _clip(x: Term, limits: Term | None = None) -> Term:
    low, high = limits.args if limits is not None else (number("-1"), number("1"))
    return call("clamp", x, low, high)


def _plus(*args: Term) -> Term:
    return flat("+", args) if args else number("0")


def _times(*args: Term) -> Term:
    return flat("*", args) if args else number("1")


def _power(base: Term, exponent: Term) -> Term:
    return call("exp", exponent) if base == name("E") else power(base, exponent)


_SIGNS = {"Less": "<", "LessEqual": "<=", "Greater": ">", "GreaterEqual": ">=", "Equal": "==",
          "Unequal": "!="}  # fmt: skip

_ABSENT: Mapping[str, str] = {
    "Set": "an assignment: it takes the expression alone",
    "SetDelayed": "an assignment: it takes the expression alone",
    "CompoundExpression": "several expressions: it takes one",
    "D": "a derivative: it differentiates what it is given",
    "Derivative": "a derivative: it differentiates what it is given",
    "Integrate": "an integral",
    "Sum": "a sum with an index: write the terms out",
    "Product": "a product with an index: write the factors out",
    "Limit": "a limit",
    "Function": "a pure function",
}

_CONSTANTS: Mapping[str, Term] = {
    "Pi": name("pi"),
    "E": name("E"),
    "Infinity": name("inf"),
    "True": name("True"),
    "False": name("False"),
    "Degree": flat("*", [name("pi"), reciprocal(number("180"))]),
}

_SAME = (
    "Sin Cos Tan Sec Csc Cot Sinh Cosh Tanh Exp Sqrt Abs Sign Floor Round Erf Erfc Zeta Factorial"
    " Det Norm Mean Inverse Transpose"
)

_HEADS: Mapping[str, Head] = {
    **{head: _calls(head.lower()) for head in _SAME.split()},
    **{head: _compare(sign) for head, sign in _SIGNS.items()},
    "Plus": _plus,
    "Times": _times,
    "Power": _power,
    "Subtract": lambda x, y: flat("+", [x, flat("*", [number("-1"), y])]),
    "Divide": lambda x, y: flat("*", [x, reciprocal(y)]),
    "Minus": lambda x: flat("*", [number("-1"), x]),
    "Rational": lambda p, q: flat("*", [p, reciprocal(q)]),
    "CubeRoot": _calls("cbrt"),
    "Log": _log,
    "Log2": _calls("log2"),
    "Log10": _calls("log10"),
    "ArcSin": _calls("asin"),
    "ArcCos": _calls("acos"),
    "ArcTan": _arctan,
    "ArcSec": _of_inverse("acos"),
    "ArcCsc": _of_inverse("asin"),
    "ArcCot": _of_inverse("atan"),
    "Coth": _inverse("tanh"),
    "Sech": _inverse("cosh"),
    "Csch": _inverse("sinh"),
    "ArcSinh": _calls("asinh"),
    "ArcCosh": _calls("acosh"),
    "ArcTanh": _calls("atanh"),
    "ArcCoth": _of_inverse("atanh"),
    "ArcSech": _of_inverse("acosh"),
    "ArcCsch": _of_inverse("asinh"),
    "Sinc": lambda x: call("sinc", flat("*", [x, reciprocal(name("pi"))])),
    "Ceiling": _calls("ceil"),
    "IntegerPart": _calls("trunc"),
    "FractionalPart": _calls("frac"),
    "Mod": _calls("mod", 2, 2),
    "Quotient": _calls("floor_divide", 2, 2),
    "Max": _calls("max", 1, None),
    "Min": _calls("min", 1, None),
    "Clip": _clip,
    "InverseErf": _calls("erfinv"),
    "Gamma": _gamma,
    "LogGamma": _calls("lgamma"),
    "PolyGamma": _polygamma,
    "Beta": _calls("beta", 2, 2),
    "BesselJ": _bessel("j"),
    "BesselY": _bessel("y"),
    "BesselI": _bessel("i"),
    "BesselK": _bessel("k"),
    "UnitStep": lambda x: call("Heaviside", x, number("1")),
    "HeavisideTheta": _calls("Heaviside"),
    "Ramp": _calls("relu"),
    "LogisticSigmoid": _calls("sigmoid"),
    "If": _where,
    "Piecewise": _piecewise,
    "Which": _which,
    "Boole": lambda condition: _where(condition, number("1"), number("0")),
    "And": _logic("and"),
    "Or": _logic("or"),
    "Not": lambda x: Term("not", (x,)),
    "List": lambda *args: Term("list", args),
    "Part": _part,
    "Dot": lambda *args: Term("@", args),
    "Cross": _calls("cross", 2, 2),
    "Total": _calls("sum"),
    "Variance": _calls("var"),
    "StandardDeviation": _calls("std"),
    "Tr": _calls("trace"),
    "LinearSolve": _calls("solve", 2, 2),
}
