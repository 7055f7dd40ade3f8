"""Markdown as lines of styled text, from the tokens that its parser makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from autograd_cli.render.layout import Cell, Line, Table, hanging, width_of, wrap
from autograd_cli.render.lesson.wording import worded
from autograd_cli.render.parts import HEADING, TITLE, shown
from autograd_cli.render.style import Style

MEASURE = 84  # columns; longer lines of prose are hard to read
CODE = "cyan"
LINK = "underline"
WARNING = "⚠"  # a paragraph or quotation that begins with it is a warning

EMPHASES = {"strong_open": "bold", "em_open": "italic", "link_open": LINK}
HEADINGS = {"h1": f"{TITLE} underline", "h2": TITLE, "h3": f"{TITLE} italic"}


def prose(tokens: Sequence[Token], style: Style, width: int) -> list[Line]:
    """The lines of these tokens, each of at most `width` columns, with an empty line between."""
    page = _Page(style, min(width, MEASURE), width)
    for token in tokens:
        page.take(token)
    while page.lines and not page.lines[-1]:
        page.lines.pop()
    return page.lines


@dataclass
class _Page:
    """A page being filled: the containers that are open, and the lines so far.

    `labels` are what stands at the left of the next line: the bullet of an item, the bar of a
    quotation. After its first line, an item's label is as many spaces.
    """

    style: Style
    width: int
    widest: int
    lines: list[Line] = field(default_factory=list)
    labels: list[Line] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)  # of the open lists
    heading: str = ""
    rows: list[list[Line]] = field(default_factory=list)

    def take(self, token: Token) -> None:
        handle = _HANDLERS.get(token.type)
        if handle is not None:
            handle(self, token)

    def put(self, lines: Sequence[Line]) -> None:
        """Lines of text, after what stands at their left."""
        for line in lines:
            self.lines.append([*(piece for label in self.labels for piece in label), *line])
            self.labels = [_continued(label) for label in self.labels]

    def space(self, tight: bool = False) -> None:
        if self.lines and self.lines[-1] and not tight:
            bars = [piece for label in self.labels for piece in label]
            while bars and not bars[-1][0].strip():
                bars.pop()
            self.lines.append(bars)

    @property
    def room(self) -> int:
        return max(self.width - sum(map(width_of, self.labels)), 12)

    def inline(self, token: Token) -> None:
        line = _inline(token.children or (), self.style, self.heading)
        if self.rows:
            self.rows[-1].append(line)
            return
        for part in _broken(line):
            self.put(wrap(part, self.room))

    def open_heading(self, token: Token) -> None:
        self.heading = HEADINGS.get(token.tag, HEADING)

    def close_heading(self, token: Token) -> None:
        self.heading = ""
        self.space()

    def close_paragraph(self, token: Token) -> None:
        self.space(token.hidden)

    def open_list(self, token: Token) -> None:
        ordered = token.type == "ordered_list_open"
        self.numbers.append(int(token.attrs.get("start", 1)) if ordered else None)

    def close_list(self, token: Token) -> None:
        self.numbers.pop()
        if not self.numbers:
            self.space()

    def open_item(self, token: Token) -> None:
        number = self.numbers[-1]
        bullet = "•" if self.style.unicode else "-"
        label = bullet if number is None else f"{number}."
        if number is not None:
            self.numbers[-1] = number + 1
        self.labels.append([(f"{label} ".ljust(2), HEADING)])

    def open_quote(self, token: Token) -> None:
        self.labels.append([("│ " if self.style.unicode else "| ", "yellow")])

    def close_container(self, token: Token) -> None:
        self.labels.pop()
        if token.type == "blockquote_close":
            while self.lines and not any(text.strip("│| ") for text, _ in self.lines[-1]):
                self.lines.pop()
            self.space()

    def open_row(self, token: Token) -> None:
        self.rows.append([])

    def close_table(self, token: Token) -> None:
        head, *body = [[_cell(line) for line in row] for row in self.rows]
        self.rows = []
        headings = ["".join(text for text, _ in one.lines[0]) for one in head]
        table = Table(headings, body, spaced=False)
        widths = table.widths(min(self.widest, self.width + 16))
        self.put(table.lines(widths, HEADING) if widths else table.records(self.room, HEADING))
        self.space()

    def rule(self, token: Token) -> None:
        self.put([[(("─" if self.style.unicode else "-") * min(self.room, 24), HEADING)]])
        self.space()

    def code(self, token: Token) -> None:
        for text in token.content.rstrip("\n").split("\n"):
            self.put([[("  " + shown(text, self.style), CODE)]])
        self.space()


_HANDLERS: dict[str, Callable[[_Page, Token], None]] = {
    "inline": _Page.inline,
    "heading_open": _Page.open_heading,
    "heading_close": _Page.close_heading,
    "paragraph_close": _Page.close_paragraph,
    "bullet_list_open": _Page.open_list,
    "ordered_list_open": _Page.open_list,
    "bullet_list_close": _Page.close_list,
    "ordered_list_close": _Page.close_list,
    "list_item_open": _Page.open_item,
    "list_item_close": _Page.close_container,
    "blockquote_open": _Page.open_quote,
    "blockquote_close": _Page.close_container,
    "tr_open": _Page.open_row,
    "table_close": _Page.close_table,
    "hr": _Page.rule,
    "code_block": _Page.code,
    "fence": _Page.code,
}


def inline_text(text: str, style: Style, width: int) -> list[Line]:
    """A sentence in which `code` may stand, wrapped."""
    from autograd_cli.lessons.reader import markdown

    tokens = markdown().parseInline(text)
    line = _inline(tokens[0].children or (), style, "")
    return wrap(line, min(width, MEASURE))


def label(line: Line, content: Sequence[Line], width: int) -> list[Line]:
    """A label, and lines beside it."""
    return hanging(line, Cell(tuple(content)), width)


def _inline(children: Sequence[Token], style: Style, look: str) -> Line:
    line: Line = []
    looks = [look]
    for token in children:
        if token.type in EMPHASES:
            looks.append(" ".join(filter(None, (looks[-1], EMPHASES[token.type]))))
        elif token.type.endswith("_close"):
            looks.pop()
        elif token.type == "softbreak":
            line.append((" ", looks[-1]))
        elif token.type == "hardbreak":
            line.append(("\n", looks[-1]))
        elif token.content:
            own = CODE if token.type == "code_inline" else looks[-1]
            line.append((worded(token.content, style), own))
    if line and line[0][0].startswith(worded(WARNING, style)):
        line[0] = (line[0][0], "bold yellow")
    return line


def _broken(line: Line) -> list[Line]:
    """The line in parts, at the breaks that its author wanted."""
    parts: list[Line] = [[]]
    for text, look in line:
        if text == "\n":
            parts.append([])
        else:
            parts[-1].append((text, look))
    return parts


def _continued(one: Line) -> Line:
    """The label of the further lines: a bar goes on, a bullet does not."""
    return [(text if text.strip() in ("│", "|") else " " * len(text), look) for text, look in one]


def _cell(line: Line) -> Cell:
    return Cell((line,))
