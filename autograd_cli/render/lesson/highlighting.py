"""Python code as lines of coloured pieces, by its tokens."""

from __future__ import annotations

from collections.abc import Iterator

from pygments.lexers.python import PythonLexer
from pygments.token import Token

from autograd_cli.render.layout import Line
from autograd_cli.render.parts import shown
from autograd_cli.render.style import Style

# The first kind that a token belongs to decides.
LOOKS = {
    Token.Comment: "dim italic",
    Token.Keyword: "magenta",
    Token.Operator.Word: "magenta",
    Token.Name.Builtin.Pseudo: "magenta",
    Token.Name.Builtin: "blue",
    Token.Name.Exception: "blue",
    Token.Name.Function: "bold",
    Token.Name.Class: "bold",
    Token.Literal.String: "green",
    Token.Literal.Number: "cyan",
}


def highlighted(source: str, style: Style) -> list[Line]:
    """The lines of a program."""
    lines: list[Line] = [[]]
    for look, text in _pieces(source):
        first, *others = shown(text, style).split("\n")
        lines[-1].append((first, look))
        lines += [[(other, look)] for other in others]
    return [[piece for piece in line if piece[0]] for line in lines]


def _pieces(source: str) -> Iterator[tuple[str, str]]:
    for kind, text in PythonLexer(stripall=False, ensurenl=False).get_tokens(source.strip("\n")):
        yield next((look for one, look in LOOKS.items() if kind in one), ""), text
