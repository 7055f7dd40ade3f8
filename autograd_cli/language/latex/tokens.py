r"""LaTeX to tokens, as TeX makes them: control words, single characters, braces and scripts.

A digit is a token of its own, because `x^10` is x¹0 to TeX. Blanks mean nothing in a formula but
where a token follows one is kept: `\text{learning rate}` needs it, and so do errors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from autograd_cli.errors import ReadError, Span

LETTER = "letter"
DIGIT = "digit"
COMMAND = "command"  # text is its name: `sin`, `,`, `{`
SYMBOL = "symbol"
OPEN = "open"  # a brace
CLOSE = "close"
SUPERSCRIPT = "superscript"
SUBSCRIPT = "subscript"
ALIGN = "align"  # & between cells
ROW = "row"  # \\ between rows
SHIFT = "shift"  # $
WORD = "word"  # of a sentence, within conditions
END = "end"


class Token(NamedTuple):
    """A token: its kind, its text, where it stands, and whether a blank is before it."""

    kind: str
    text: str
    span: Span
    spaced: bool = False

    @property
    def shown(self) -> str:
        """How the token is written."""
        return f"\\{self.text}" if self.kind == COMMAND else self.text


_SCAN = re.compile(
    r"""
    (?P<blank>    \s+ | % [^\n]* \n \s* )
  | (?P<row>      \\\\ \*? (?: \s* \[ \s* -? [\d.]+ \s* [a-z]{2} \s* \] )? )
  | (?P<command>  \\ (?: [A-Za-z]+ \*? | [^A-Za-z\s] | (?=\s) . ) )
  | (?P<letter>   [A-Za-z] )
  | (?P<digit>    [0-9] )
  | (?P<shift>    \$\$? )
  | (?P<other>    . )
    """,
    re.VERBOSE | re.DOTALL,
)

_KINDS: Mapping[str, str] = {
    "{": OPEN,
    "}": CLOSE,
    "^": SUPERSCRIPT,
    "_": SUBSCRIPT,
    "&": ALIGN,
}
_SYMBOLS = frozenset("+-*/=<>()[]|,.;:!'")

# Commands that set blanks or sizes and mean nothing; those that take an argument, with it.
_BLANKS = frozenset(
    [
        *(",", ";", ":", "!", ">", " ", "/", "\n", "\t"),
        *("quad", "qquad", "enspace", "thinspace", "medspace", "thickspace", "space", "nobreak"),
        *("negthinspace", "negmedspace", "negthickspace", "hfill", "strut", "mathstrut"),
        *("displaystyle", "textstyle", "scriptstyle", "scriptscriptstyle", "limits", "nolimits"),
        *("nonumber", "notag", "relax", "allowbreak", "bigstrut"),
    ]
)
_BLANKS_OF = frozenset(["hspace", "hspace*", "hskip", "mspace", "label", "phantom", "hphantom",
                        "vphantom"])  # fmt: skip

_UNICODE: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys("−–‐‑⁃－", (SYMBOL, "-")),
    **dict.fromkeys("·⋅∙•", (COMMAND, "cdot")),
    "×": (COMMAND, "times"),
    "÷": (COMMAND, "div"),
    "∗": (SYMBOL, "*"),
    "∕": (SYMBOL, "/"),
    "⁄": (SYMBOL, "/"),
    "≤": (COMMAND, "leq"),
    "⩽": (COMMAND, "leq"),
    "≥": (COMMAND, "geq"),
    "⩾": (COMMAND, "geq"),
    "≠": (COMMAND, "neq"),
    "∧": (COMMAND, "land"),
    "∨": (COMMAND, "lor"),
    "¬": (COMMAND, "lnot"),
    "∞": (COMMAND, "infty"),
    "∂": (COMMAND, "partial"),
    "∇": (COMMAND, "nabla"),
    "∑": (COMMAND, "sum"),
    "∏": (COMMAND, "prod"),
    "∫": (COMMAND, "int"),
    "√": (COMMAND, "sqrt"),
    "ℏ": (COMMAND, "hbar"),
    "ℓ": (COMMAND, "ell"),
    "±": (COMMAND, "pm"),
    "≈": (COMMAND, "approx"),
    "→": (COMMAND, "to"),
    "′": (SYMBOL, "'"),
    "’": (SYMBOL, "'"),
    "ϵ": (COMMAND, "epsilon"),
    "ε": (COMMAND, "varepsilon"),
    "φ": (COMMAND, "varphi"),
    "ϕ": (COMMAND, "phi"),
    "ϑ": (COMMAND, "vartheta"),
    "ϱ": (COMMAND, "varrho"),
    "ϖ": (COMMAND, "varpi"),
    "ς": (COMMAND, "varsigma"),
    "ϰ": (COMMAND, "varkappa"),
    "Δ": (COMMAND, "Delta"),
    "∆": (COMMAND, "Delta"),
    "µ": (COMMAND, "mu"),
}
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ"
_SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"


def tokenize(source: str) -> list[Token]:
    """The tokens that mean something, and an END.

    Raises: ReadError where a character has no place in a formula.
    """
    found: list[Token] = []
    spaced = False
    for match in _SCAN.finditer(source):
        kind, text, span = str(match.lastgroup), match[0], Span(*match.span())
        if kind == "blank" or (kind == "command" and text[1:] in _BLANKS) or text == "~":
            spaced = True
            continue
        found.append(_token(kind, text, span, spaced, source))
        spaced = False
    end = len(source)
    found.append(Token(END, "", Span(end, end + 1), spaced))
    return _without_blanks(found, source)


def _token(kind: str, text: str, span: Span, spaced: bool, source: str) -> Token:
    if kind == "command":
        return Token(COMMAND, text[1:], span, spaced)
    if kind == "row":
        return Token(ROW, text, span, spaced)
    if kind != "other":
        return Token(kind, text, span, spaced)
    if text in _KINDS:
        return Token(_KINDS[text], text, span, spaced)
    if text in _SYMBOLS:
        return Token(SYMBOL, text, span, spaced)
    if text in _UNICODE:
        return Token(*_UNICODE[text], span, spaced)
    if greek := _greek(text):
        return Token(COMMAND, greek, span, spaced)
    raise _strange(text, span, source)


def _greek(character: str) -> str:
    """The command of a Greek letter: `α` is \\alpha."""
    words = unicodedata.name(character, "").split()
    if words[:1] != ["GREEK"] or words[2:3] != ["LETTER"] or len(words) != 4:
        return ""
    word = words[3].replace("LAMDA", "LAMBDA").lower()
    return word.capitalize() if words[1] == "CAPITAL" else word


def _strange(character: str, span: Span, source: str) -> ReadError:
    hint = "letters are a to z; a name of several is written \\mathrm{name}"
    if character == "%":
        hint = "'%' begins a comment in LaTeX; the remainder is x \\bmod y"
    elif character == "\\":
        hint = "a command such as \\sin is missing after it"
    elif character in _SUPERSCRIPTS:
        hint = "write a power as x^{2}"
    elif character in _SUBSCRIPTS:
        hint = "write an index as x_{1}"
    elif unicodedata.category(character).startswith("C"):
        hint = "delete it and type the formula again"
    return ReadError(f"'{character}' cannot be read here", span=span, source=source, hint=hint)


def _without_blanks(found: Sequence[Token], source: str) -> list[Token]:
    """The tokens without \\hspace{1em} and its like, and without the braces of an empty group."""
    kept: list[Token] = []
    place = 0
    spaced = False
    while place < len(found):
        token = found[place]
        if token.kind == COMMAND and token.text in _BLANKS_OF:
            end = closing(found, place + 1)
            if not end:
                raise ReadError(f"'{token.shown}' has no argument", span=token.span, source=source)
            place, spaced = end + 1, True
        elif _is_empty(found, place, kept):
            place, spaced = place + 2, True
        else:
            kept.append(token._replace(spaced=True) if spaced else token)
            place, spaced = place + 1, False
    return kept


def _is_empty(found: Sequence[Token], place: int, before: Sequence[Token]) -> bool:
    """Whether an empty group stands here that is nobody's argument."""
    if found[place].kind != OPEN or found[place + 1].kind != CLOSE:
        return False
    argument = bool(before) and before[-1].kind in (SUPERSCRIPT, SUBSCRIPT, COMMAND, CLOSE)
    return not argument and found[place + 2].kind not in (SUPERSCRIPT, SUBSCRIPT)


def closing(tokens: Sequence[Token], place: int) -> int:
    """The place of the brace that closes the one at `place`; 0 if there is none."""
    if tokens[place].kind != OPEN:
        return 0
    depth = 0
    for at in range(place, len(tokens)):
        depth += (tokens[at].kind == OPEN) - (tokens[at].kind == CLOSE)
        if not depth:
            return at
    return 0
