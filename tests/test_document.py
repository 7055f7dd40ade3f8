"""Pages in every format for people: whatever the format and the width, nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from autograd_cli.errors import columns
from autograd_cli.render.document import (
    Alignment,
    Code,
    Column,
    Curve,
    Equations,
    Fact,
    Facts,
    Interval,
    Mood,
    Note,
    Number,
    Page,
    Paragraph,
    Remark,
    Symbol,
    Table,
    Title,
    listed,
)
from autograd_cli.render.formats.latex import page_blocks
from autograd_cli.render.formats.lines import page_lines
from autograd_cli.render.formats.markdown import page_sections
from autograd_cli.render.style import EXACT, Style

TABLE = Table(
    [
        Column("name", [Symbol("alpha_1"), Symbol("w[0,1]")], names_rows=True),
        Column("value", [Number(1234.5678), Number(-0.25)]),
        Column("between", [Interval(-1.5, 2.25), Interval(3.75, 40.125)]),
        Column("rounded", [Number(0.5, decimals=3), ""], Alignment.RIGHT),
        Column("verdict", [Remark("splendid", Mood.GOOD), Remark("poor", Mood.BAD)]),
        Column("curve", [Curve([1.0, 2.0, 3.0], 3), Curve([3.0, 1.0], 3)]),
    ],
    caption="a table of everything",
    note="noted below",
)
PAGE: Page = [
    Title(Code("x|y*2 + `z`"), Number(7.5)),
    Paragraph("a sentence with 100% & more_than_one # sign", Mood.DOUBTFUL),
    TABLE,
    Facts([Fact("label", ("words ", Number(3.25), " and ", Code("sqrt(2)")))], about="facts"),
    Facts([Fact("1 stage", "described", TABLE), Fact("2 stage", "ends")]),
    Equations([[Symbol("a"), Number(9.75)]]),
    Note("an aside"),
]
SAID = """
    7.5 100 sentence alpha 1234.57 -0.25 -1.5 2.25 3.75 40.125 0.500 splendid poor everything
    noted below label words 3.25 sqrt(2) stage described ends aside
"""


def terminal(page: Page, style: Style) -> str:
    return "\n".join("".join(text for text, _ in line) for line in page_lines(page, style))


def markdown(page: Page, style: Style) -> str:
    return "\n\n".join(page_sections(page, style))


def latex(page: Page, style: Style) -> str:
    return "\n\n".join(page_blocks(page, style))


def missing(text: str) -> Iterator[str]:
    whole = re.sub(r"\s", "", text)
    yield from (word for word in SAID.split() if word not in whole)


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_terminal_shows_all_at_any_width(width: int, unicode: bool) -> None:
    style = Style(width=width, unicode=unicode)
    text = terminal(PAGE, style)
    assert not list(missing(text))
    assert max(map(columns, text.splitlines())) <= width - 2
    assert unicode or text.isascii()


def test_markdown_and_latex_show_all() -> None:
    assert not list(missing(markdown(PAGE, Style())))
    assert not list(missing(latex(PAGE, Style())))


def test_markdown_has_no_markup_of_the_user_s() -> None:
    text = markdown(PAGE, Style())
    assert "`` x\\|y*2 + `z` `` = 7.5" in text
    assert "more\\_than\\_one \\# sign" in text
    for block in text.split("\n\n"):
        if block.startswith("|"):
            cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(cells) == 1


def test_latex_escapes_words_and_sets_names_as_mathematics() -> None:
    text = latex(PAGE, Style())
    assert r"100\% \& more\_than\_one \# sign" in text
    assert r"$\alpha_{1}$" in text
    assert "a &= 9.75" in text
    assert text.count(r"\begin{") == text.count(r"\end{")


def test_a_number_is_rounded_as_it_says_and_exact_where_that_is_asked() -> None:
    page = [Paragraph((Number(1 / 3, digits=2), " ", Number(1 / 3)))]
    assert terminal(page, Style()) == "0.33 0.333333"
    assert terminal(page, Style(precision=EXACT)) == f"{1 / 3!r} {1 / 3!r}"


def test_the_middle_of_a_long_list_is_left_out() -> None:
    few = listed([Number(value) for value in range(8)])
    many = listed([Number(value) for value in range(20)])
    assert markdown([Paragraph(few)], Style()) == "0, 1, 2, 3, 4, 5, 6, 7"
    assert markdown([Paragraph(many)], Style()) == "0, 1, 2, 3, …, 17, 18, 19"
    assert terminal([Paragraph(many)], Style(unicode=False)) == "0, 1, 2, 3, ..., 17, 18, 19"


def test_what_a_terminal_leaves_out_it_says() -> None:
    table = Table([Column("x", [Number(value) for value in range(50)])], most=40)
    lines = terminal([table], Style()).splitlines()
    assert len(lines) == 42
    assert lines[-1] == "and 10 more, which --format csv has"
    assert "| 49 |" in markdown([table], Style())
    assert "$49$" in latex([table], Style())


def test_a_table_too_wide_for_a_page_of_latex_is_written_as_records() -> None:
    cells = [Column(f"column {number}", [Number(number + 0.5)]) for number in range(12)]
    text = latex([Table([Column("name", [Symbol("x")], names_rows=True), *cells])], Style())
    assert "tabular" not in text
    assert r"\item[$x$] column 0 $0.5$, column 1 $1.5$" in text
