"""Pages as Markdown, in GitHub's flavour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch

from autograd_cli.errors import visible
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
from autograd_cli.render.formats.inline import plain
from autograd_cli.render.style import Style


def page_sections(page: Page, style: Style) -> Iterator[str]:
    """The parts of a page, each a paragraph or a table."""
    for part in page:
        yield from _part(part, style)


@singledispatch
def _part(part: Part, style: Style) -> Iterator[str]:
    raise NotImplementedError(type(part))


@_part.register
def _(title: Title, style: Style) -> Iterator[str]:
    text, value = title.text, title.value
    if isinstance(text, Code) and isinstance(value, Code):
        yield code(f"{plain(text, style)} = {plain(value, style)}")
        return
    heading = "" if isinstance(text, Code) else "### "
    yield heading + _text(text if value is None else (*inlines(text), " = ", value), style)


@_part.register
def _(paragraph: Paragraph, style: Style) -> Iterator[str]:
    yield _text(paragraph.text, style)


@_part.register
def _(note: Note, style: Style) -> Iterator[str]:
    yield f"_{_text(note.text, style)}_"


@_part.register
def _(facts: Facts, style: Style) -> Iterator[str]:
    if all(fact.table is None for fact in facts.facts):
        rows = [(prose(fact.label), _text(fact.text, style)) for fact in facts.facts]
        yield table((prose(facts.about), "value" if facts.about else ""), rows)
        return
    for fact in facts.facts:
        yield f"**{prose(fact.label)}** {_text(fact.text, style)}"
        if fact.table is not None:
            yield from _part(fact.table, style)


@_part.register
def _(one: Table, style: Style) -> Iterator[str]:
    if one.caption:
        yield f"### {prose(one.caption)}"
    headings = [_text(column.heading, style) for column in one.columns]
    rights = [column.alignment is not Alignment.LEFT for column in one.columns]
    yield table(headings, ([_text(text, style) for text in row] for row in one.rows), rights)
    if one.note:
        yield f"_{prose(one.note)}_"


@_part.register
def _(equations: Equations, style: Style) -> Iterator[str]:
    yield from ()


def _text(text: Text, style: Style) -> str:
    return "".join(_inline(one, style) for one in inlines(text))


def _inline(one: Inline, style: Style) -> str:
    shown = plain(one, style)
    match one:
        case Symbol() | Code():
            return code(shown)
        case Number() | Interval() | Curve():
            return shown
        case _:
            return prose(shown)


# Text ---------------------------------------------------------------------------------------------


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], rights: Sequence[bool] = ()
) -> str:
    rights = rights or [False] * len(headings)
    rule = "| " + " | ".join("---:" if right else "---" for right in rights) + " |"
    return "\n".join([table_line(headings), rule, *map(table_line, rows)])


def table_line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def code(text: str) -> str:
    """Text as code, on one line, which neither Markdown nor a table takes apart."""
    shown = visible(" ".join(text.split("\n")).expandtabs(4)).replace("|", "\\|")
    longest = max((len(run) for run in _ticks(shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}" if shown.strip() else shown


def _ticks(text: str) -> Iterator[str]:
    run = ""
    for character in f"{text} ":
        if character == "`":
            run += character
        elif run:
            yield run
            run = ""


def prose(text: str) -> str:
    """Text in which no character is markup."""
    shown = visible(text.replace("\n", " ").expandtabs(4))
    return "".join(f"\\{one}" if one in "\\`*_{}[]<>#|~$" else one for one in shown)
