"""What a person probably meant by text that is not in the language: errors with the cure."""

from __future__ import annotations

import re
from collections.abc import Collection

from autograd_cli.errors import ReadError, Span, UnknownNameError
from autograd_cli.language import tokens
from autograd_cli.language.functions import find, suggest
from autograd_cli.language.tokens import Token

# Signs of other languages, and what is written instead.
_INSTEAD = {
    "&&": "write 'and'",
    "||": "write 'or'",
    "!": "write 'not', or factorial(x)",
    "<>": "write !=",
    ":=": "write =",
    "{": "use ( ) to group and [ ] for lists",
    "}": "use ( ) to group and [ ] for lists",
    "|": "write abs(x) for an absolute value, or norm(x)",
    "$": "for LaTeX, use --syntax latex",
    "\\": "for LaTeX, use --syntax latex",
    "?": "write where(condition, a, b)",
    "`": "leave the quotation mark out",
    ";": "steps end with ';' outside brackets; a matrix is a list of lists: [[1, 2], [3, 4]]",
    ":": "slices stand in an index: x[1:3]",
    "...": "dots stand in an index: A[..., 0]",
}


# `sin` or `sin^2` where a value ends: people write sin x and sin^2(x).
_CALL = re.compile(
    r"(?<![\w.])(?P<name>[A-Za-z][A-Za-z0-9_]*)(?P<power>(?:(?:\^|\*\*)-?\d+|[⁰¹²³⁴-⁹]+)?)\s*\Z"
)


def _error(message: str, span: Span, hint: str, source: str) -> ReadError:
    return ReadError(message, hint=hint, span=span, source=source)


def _is_quote(token: Token) -> bool:
    return token.kind == tokens.OPERATOR and token.text in ("'", '"')


def expected_value(token: Token, source: str) -> ReadError:
    """A token that cannot begin a value, where one is expected."""
    if _is_quote(token):
        return _string(token, source)
    if token.text == "=":
        return _error(
            "'=' stands only after the name of a step",
            token.span,
            "to compare, write ==; to name a step, write u = …; and then use u",
            source,
        )
    if token.text == ".":
        return _error("a value is missing before '.'", token.span, "", source)
    typed = source[token.span.start : token.span.end]
    return _error(
        f"a value is missing before '{typed}'",
        token.span,
        _INSTEAD.get(token.text, ""),
        source,
    )


def after_value(token: Token, value: Span, source: str) -> ReadError:
    """A token that cannot follow a value."""
    text = token.text
    left = source[value.start : value.end]
    if token.kind == tokens.NAME and text == "if":
        return _error(
            "'if' is not in the language", token.span, "write where(condition, a, b)", source
        )
    if token.kind == tokens.NAME and text in ("for", "in", "is", "else", "import"):
        return _error(f"'{text}' is not in the language", token.span, "", source)
    if token.kind in (tokens.NAME, tokens.NUMBER) or text in ("(", "not", "~", "√", "∛"):
        call = _CALL.search(source, max(0, token.span.start - 40), token.span.start)
        if call and (row := find(call["name"])) and row.family != "constructor":
            operand = "…" if text == "(" else text
            product = "" if text == "(" or call["power"] else f", or {left}*{text} for a product"
            return _error(
                "a function is called with brackets",
                token.span,
                f"write {call['name']}({operand}){call['power']}{product}",
                source,
            )
        short = left if len(left) <= 20 else "…"
        what = "(…)" if text == "(" else text
        return missing_sign(token.span, short, what, source)
    if _is_quote(token):
        if text == "'" and token.span.start == value.end:
            return _error(
                "a prime for the derivative is not in the language",
                token.span,
                "agx differentiates: agx grad EXPR",
                source,
            )
        return _string(token, source)
    if text == "=":
        return _error(
            "'=' stands only after the name of a step",
            token.span,
            "to compare, write ==; to solve f = g, look at f - g",
            source,
        )
    if text == "!":
        return _error("'!' is not in the language", token.span, f"write factorial({left})", source)
    if text == ",":
        return _error(
            "a comma outside brackets", token.span, "several outputs are a list: [a, b]", source
        )
    return _error(f"'{text}' has no meaning here", token.span, _INSTEAD.get(text, ""), source)


def missing_sign(span: Span, left: str, right: str, source: str) -> ReadError:
    """Two values side by side, as in `2x`."""
    return _error("a product needs its sign", span, f"write {left}*{right}", source)


def _string(token: Token, source: str) -> ReadError:
    return _error(
        "strings are not in the language",
        token.span,
        "leave the quotation marks out, as in norm(A, fro)",
        source,
    )


def incomplete(before: Token, end: Token, source: str) -> ReadError:
    """The text ends where a value is expected."""
    where = Span(end.span.start, end.span.start + 1)
    if not before.text:
        return _error("a value is missing here", where, "", source)
    return _error(f"a value is missing after '{before.text}'", before.span, "", source)


def attribute(span: Span, name: Token, base: Span, source: str) -> ReadError:
    """An attribute other than `.T`, such as a method call."""
    row = find(name.text)
    value = source[base.start : base.end]
    hint = (
        f"write {row.name}({value})" if row and len(value) <= 40 else "functions are written f(x)"
    )
    return _error("attributes other than .T are not in the language", span, hint, source)


def no_such_member(name: Token, source: str) -> UnknownNameError:
    """Something of a library that is neither a function nor a constant here: `torch.float64`."""
    typed = source[name.span.start : name.span.end]
    return UnknownNameError(
        f"'{typed}' is not in the language",
        hint="a function is called: torch.sin(x); the constants are pi, e and inf",
        span=name.span,
        source=source,
    )


def unknown_function(
    token: Token, source: str, steps: Collection[str], given: Collection[str]
) -> UnknownNameError:
    """A call of something that is no function of the table."""
    name = token.text
    near = suggest(name)
    if name in steps or name in given or len(name) == 1:
        hint = f"to multiply, write {name}*(…)"
    elif near:
        hint = f"did you mean '{near}'?"
    else:
        hint = "'agx functions' lists what there is"
    return UnknownNameError(f"unknown function '{name}'", hint=hint, span=token.span, source=source)
