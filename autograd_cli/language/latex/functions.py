r"""The functions of LaTeX by the names of the table: \arctan is atan, \sin^{-1} is asin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autograd_cli.language.functions import find
from autograd_cli.language.terms import Term, call, flat, name, negated, reciprocal

# Commands that are functions, with or without brackets after them.
_OPERATORS = """
    sin cos tan sec csc cot sinh cosh tanh coth sech csch exp log ln lg det max min
    arcsin arccos arctan arcsec arccsc arccot arsinh arcosh artanh arcsinh arccosh arctanh
    asin acos atan asinh acosh atanh tg ctg cotg arctg arcctg sh ch th cth cosec
    erf erfc tr trace sgn sign
"""
OPERATORS = frozenset(_OPERATORS.split())

# Letters that are functions where brackets follow.
LETTERS: Mapping[str, str] = {
    "Gamma": "gamma",
    "zeta": "zeta",
    "psi": "digamma",
    "beta": "beta",
    "gamma": "lower incomplete gamma",
}

_SPELLINGS: Mapping[str, str] = {
    "tg": "tan",
    "ctg": "cot",
    "cotg": "cot",
    "cosec": "csc",
    "arctg": "atan",
    "arcctg": "acot",
    "sh": "sinh",
    "ch": "cosh",
    "th": "tanh",
    "cth": "coth",
    "arsinh": "asinh",
    "arcosh": "acosh",
    "artanh": "atanh",
    "arcsec": "asec",
    "arccsc": "acsc",
    "arccot": "acot",
    "arcoth": "acoth",
    "arsech": "asech",
    "arcsch": "acsch",
    "arccoth": "acoth",
    "arcsech": "asech",
    "arccsch": "acsch",
    "lg": "log10",
}

INVERSES: Mapping[str, str] = {
    **{known: f"a{known}" for known in ("sin", "cos", "tan", "sec", "csc", "cot")},
    **{f"{known}h": f"a{known}h" for known in ("sin", "cos", "tan", "sec", "csc", "cot")},
    "erf": "erfinv",
}


def _binomial(n: Term, k: Term) -> Term:
    rest = flat("+", [n, negated(k)])
    over = flat("*", [call("factorial", k), call("factorial", rest)])
    return flat("*", [call("factorial", n), reciprocal(over)])


def _complete(incomplete: str) -> Callable[[Term, Term], Term]:
    """The incomplete gamma functions of books are those of the table times gamma."""
    return lambda a, x: flat("*", [call(incomplete, a, x), call("gamma", a)])


# By name and number of arguments: functions that are put in other words.
IN_OTHER_WORDS: Mapping[tuple[str, int], Callable[..., Term]] = {
    ("binom", 2): _binomial,
    ("asec", 1): lambda x: call("acos", reciprocal(x)),
    ("acsc", 1): lambda x: call("asin", reciprocal(x)),
    ("acot", 1): lambda x: call("atan", reciprocal(x)),
    ("acoth", 1): lambda x: call("atanh", reciprocal(x)),
    ("asech", 1): lambda x: call("acosh", reciprocal(x)),
    ("acsch", 1): lambda x: call("asinh", reciprocal(x)),
    ("gamma", 2): _complete("gammaincc"),
    ("lower incomplete gamma", 2): _complete("gammainc"),
}
_WORDS = frozenset(word for word, _ in IN_OTHER_WORDS if word.isalpha())


def known(spelling: str) -> str:
    """How the table, or IN_OTHER_WORDS, spells a function: `ReLU` is relu; "" if there is none."""
    plain = spelling.replace("_", "")
    for word in (spelling, plain, *((plain.lower(),) if len(plain) > 1 else ())):
        found = _SPELLINGS.get(word, word)
        if find(found) or found in _WORDS:
            return found
    return ""


def logarithm(base: Term, x: Term) -> Term:
    return call("log", x) if base == name("E") else call("log", x, base)
