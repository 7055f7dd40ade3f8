"""A document as lines of an align* block: sentences, facts, and tables as arrays."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from autograd_cli.render.document import Facts, Paragraph, Part, Source, Title
from autograd_cli.render.fits import page
from autograd_cli.render.layout import Cell, Table
from autograd_cli.render.parts import NAME
from autograd_cli.render.style import Style
from autograd_cli.render.typesetting import known, numeral, symbol, text, upright, words
from autograd_cli.results.fit import Fit

SENTENCE = 70  # characters that a line has room for
PICTURES = range(0x2580, 0x25A0)  # little curves are made of these blocks, which LaTeX has not


def fit_equations(result: Fit, style: Style) -> Iterator[Sequence[str]]:
    """The loss where it ended, and all that its page says."""
    yield [f"& {' = '.join([text(result.expression), *known(result.value, style)])}"]
    for block in page(result, style):
        for part in block:
            for line in _lines(part):
                yield [f"& {line}"]


def _lines(part: Part) -> Iterator[str]:
    match part:
        case Source():  # it stands above
            return
        case Title(sentence):
            yield rf"\textbf{{{upright(sentence)}}}"
        case Paragraph(sentence):
            yield from map(words, textwrap.wrap(sentence, SENTENCE))
        case Facts(pairs):
            for label, value in pairs:
                yield from map(words, textwrap.wrap(f"{label}: {value}", SENTENCE))
        case Table():
            yield _array(part)


def _array(table: Table) -> str:
    every = list(zip(*table.rows, strict=True))
    kept = [number for number, column in enumerate(every) if not any(map(_is_picture, column))]
    sides = "".join("r" if any(one.right for one in every[number]) else "l" for number in kept)
    head = " & ".join(rf"\text{{{upright(table.headings[number])}}}" for number in kept)
    rows = [" & ".join(_shown(row[number]) for number in kept) for row in table.rows]
    body = r" \\ ".join([rf"{head} \\ \hline {rows[0]}", *rows[1:]]) if rows else head
    return rf"\begin{{array}}{{{sides}}} {body} \end{{array}}"


def _is_picture(one: Cell) -> bool:
    return any(ord(sign) in PICTURES for line in one.lines for part, _ in line for sign in part)


def _shown(one: Cell) -> str:
    shown = " ".join("".join(part for part, _ in line).strip() for line in one.lines)
    number = numeral(shown)
    if number is not None:
        return number
    is_name = any(look == NAME for line in one.lines for _, look in line)
    return symbol(shown) if is_name else rf"\text{{{upright(shown)}}}"
