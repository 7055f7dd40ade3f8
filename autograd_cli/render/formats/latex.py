"""Pages as LaTeX: what stands between \\begin{document} and \\end{document}; it needs amsmath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import singledispatch

from autograd_cli.language.latex_symbols import symbol_latex
from autograd_cli.render import typesetting as tex
from autograd_cli.render.document import (
    Alignment,
    Code,
    Curve,
    Equations,
    Facts,
    Inline,
    Interval,
    Note,
    Number,
    Page,
    Paragraph,
    Part,
    Symbol,
    Table,
    Text,
    Title,
    inlines,
)
from autograd_cli.render.formats.inline import digits, plain, plain_text
from autograd_cli.render.sparkline import BARS
from autograd_cli.render.style import Style

WIDEST = 60  # letters of a row that a page has room for
WIDEST_SMALL = 78  # small letters
TOGETHER = 24  # equations
TALLEST = 36  # rows
GAP = 2  # letters between two columns
SIGNS = str.maketrans(
    {"…": r"\dots{}", "×": r"$\times$", "→": r"$\to$", "²": "$^{2}$", "<": "$<$", ">": "$>$"}
)


def page_blocks(page: Page, style: Style) -> Iterator[str]:
    """The parts of a page, between which a line is empty."""
    for part in page:
        yield from _part(part, style)


def aligned(rows: Sequence[str]) -> str:
    """Equations as an align* block, which may go on over the page where there are many."""
    end = r" \\" if len(rows) <= TOGETHER else r" \displaybreak[0] \\"
    body = f"{end}\n".join(f"  {row}" for row in rows)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


@singledispatch
def _part(part: Part, style: Style) -> Iterator[str]:
    raise NotImplementedError(type(part))


@_part.register
def _(title: Title, style: Style) -> Iterator[str]:
    if isinstance(title.text, Code):
        sides = [title.text, title.value] if title.value is not None else [title.text]
        yield aligned([" &= ".join(_mathematics(side, style) for side in sides)])
    else:
        yield rf"\noindent\textbf{{{_text(title.text, style)}}}"


@_part.register
def _(paragraph: Paragraph, style: Style) -> Iterator[str]:
    yield rf"\noindent {_text(paragraph.text, style)}"


@_part.register
def _(note: Note, style: Style) -> Iterator[str]:
    yield rf"\noindent\emph{{{_text(note.text, style)}}}"


@_part.register
def _(equations: Equations, style: Style) -> Iterator[str]:
    rows = [[_mathematics(side, style) for side in row] for row in equations.rows]
    yield aligned([f"{first} &= {' = '.join(others)}" for first, *others in rows])


@_part.register
def _(facts: Facts, style: Style) -> Iterator[str]:
    items = []
    for fact in facts.facts:
        items.append(rf"  \item[{_words(fact.label)}] {_text(fact.text, style)}")
        if fact.table is not None:
            items += ["", *_part(fact.table, style)]
    yield _described(items)


@_part.register
def _(table: Table, style: Style) -> Iterator[str]:
    if table.caption:
        yield rf"\noindent\textbf{{{_words(table.caption)}}}"
    write = _tabular if _width(table, style) <= WIDEST_SMALL else _records
    yield from (write(piece, style) for piece in _pieces(table))
    if table.note:
        yield rf"\noindent\emph{{{_words(table.note)}}}"


def _pieces(table: Table) -> Iterator[Table]:
    """A table in pieces of which each has room on a page."""
    for start in range(0, len(table.columns[0].cells), TALLEST):
        yield replace(
            table,
            columns=[
                replace(column, cells=column.cells[start : start + TALLEST])
                for column in table.columns
            ],
        )


def _tabular(table: Table, style: Style) -> str:
    rights = [column.alignment is not Alignment.LEFT for column in table.columns]
    head = " & ".join(_text(column.heading, style) for column in table.columns)
    rows = [" & ".join(_text(text, style) for text in row) for row in table.rows]
    lines = [
        r"\begin{center}" + (r"\footnotesize" if _width(table, style) > WIDEST else ""),
        rf"\begin{{tabular}}{{{''.join('r' if right else 'l' for right in rights)}}}",
        *[f"  {row} \\\\" for row in (head, *rows)],
        r"\end{tabular}",
        r"\end{center}",
    ]
    lines[2] += r" \hline"
    return "\n".join(lines)


def _records(table: Table, style: Style) -> str:
    """The rows one after the other, for tables that are wider than a page."""
    headings = [_text(column.heading, style) for column in table.columns[1:]]
    items = []
    for name, *row in table.rows:
        cells = [_text(text, style) for text in row]
        said = [f"{head} {cell}" for head, cell in zip(headings, cells, strict=True) if cell]
        items.append(rf"  \item[{_text(name, style)}] {', '.join(said)}")
    return _described(items)


def _width(table: Table, style: Style) -> int:
    """About how many letters wide a table is."""
    columns = [
        [plain_text(text, style) for text in (column.heading, *column.cells)]
        for column in table.columns
    ]
    return sum(GAP + max(map(len, texts)) for texts in columns)


def _described(items: list[str]) -> str:
    return "\n".join([r"\begin{description}\raggedright", *items, r"\end{description}"])


def _mathematics(text: Text, style: Style) -> str:
    """A side of an equation, in which words are LaTeX."""
    return "".join(
        one if isinstance(one, str) else _inline(one, style).strip("$") for one in inlines(text)
    )


def _text(text: Text, style: Style) -> str:
    return "".join(_inline(one, style) for one in inlines(text))


def _inline(one: Inline, style: Style) -> str:
    match one:
        case Number(decimals=int()):
            return f"${plain(one, style)}$"
        case Number():
            return "".join(f"${shown}$" for shown in tex.known(one.value, digits(one, style)))
        case Interval():
            ends = [tex.number(end, style) for end in (one.low, one.high)]
            return rf"${ends[0]} \dots {ends[1]}$"
        case Symbol():
            return f"${symbol_latex(one.name)}$"
        case Code():
            return tex.text(plain(one, style))
        case Curve():
            return "".join(map(_bar, plain(one, style)))
        case _:
            return _words(plain(one, style))


def _words(text: str) -> str:
    return tex.prose(text).translate(SIGNS)


def _bar(sign: str) -> str:
    """A bar of a curve, which no font of TeX has."""
    if sign not in BARS:
        return sign
    return rf"\rule{{.4em}}{{{(BARS.index(sign) + 1) / 10:.1f}em}}"
