"""A lesson on a terminal: each block, what it really did, and what was asked, as styled lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograd_cli.errors import columns
from autograd_cli.lessons.lesson import Block, Card, Code, Command, Commands, Prose
from autograd_cli.lessons.performance import outputs_of
from autograd_cli.render.layout import Cell, Line, cell, hanging, width_of, wrap
from autograd_cli.render.lesson.prose import MEASURE, inline_text, prose
from autograd_cli.render.lesson.wording import worded
from autograd_cli.render.parts import (
    BROKEN,
    HEADING,
    NAME,
    NOTE,
    RAW,
    TITLE,
    line_width,
    paragraph,
    shown,
)
from autograd_cli.render.style import Style
from autograd_cli.results.lessons import (
    BlockRun,
    LessonRun,
)

INDENT = 4
CONTINUED = " \\"  # so that a command of several lines can be copied
AGX_INDENT = 2  # and two more that agx's own pages begin with


def run_page(result: LessonRun, style: Style) -> list[Line]:
    """The blocks of a lesson and what they did; a lesson's prose is not part of its result."""
    lines: list[Line] = [[(worded(result.title, style), TITLE)]]
    for block in result.blocks:
        lines += [[], *ending(block, style)]
    return lines


def title(card: Card, place: str, style: Style) -> list[Line]:
    """The lesson's name, where it stands in the course, and how long it takes."""
    room = min(line_width(style), MEASURE)
    left: Line = [(worded(card.title, style), TITLE)]
    between = " · " if style.unicode else ", "
    right: Line = [(between.join(filter(None, (place, f"{card.minutes} min"))), HEADING)]
    gap = room - width_of(left) - width_of(right)
    if gap >= 2:
        return [[*left, (" " * gap, ""), *right]]
    return [*wrap(left, room), *wrap(right, room)]


def opening(block: Block, style: Style) -> list[Line]:
    """What there is to see of a block before it runs."""
    if isinstance(block, Prose):
        return [*prose(block.tokens, style, line_width(style)), []]
    if isinstance(block, Code):
        if block.hidden:
            return []
        from autograd_cli.render.lesson.highlighting import highlighted  # the prose is read by then

        return [*_indented(highlighted(block.source, style)), []]
    if isinstance(block, Commands) and block.trial:
        return _trial(block.commands, style)
    return []


def ending(run: BlockRun, style: Style) -> list[Line]:
    """What the block really did."""
    lines: list[Line] = []
    if run.kind == "console":
        for command, output in zip(run.source.split("\n"), outputs_of(run), strict=True):
            lines += [*_command(command, style), *_captured(output, style)]
    elif run.output.strip():
        lines += _output(run.output, style)
    if run.error and run.broken is None:
        lines += [[*_bar(style), ("an error, as expected", HEADING)], *_error(run, style)]
    lines += [[]] if lines else []
    if run.broken is not None:
        lines += [*_broken(run, style), []]
    return lines


def question(text: str, style: Style) -> list[Line]:
    mark: Line = [("? ", "bold yellow")]
    room = line_width(style)
    return hanging(mark, Cell(tuple(inline_text(text, style, room - 2))), room)


def remark(mark: tuple[str, str, str], text: str, style: Style) -> list[Line]:
    """A line after a mark; the mark has a form without Unicode, and a look."""
    unicode, ascii_only, look = mark
    begin: Line = [(f"{unicode if style.unicode else ascii_only} ", look)]
    room = line_width(style)
    return hanging(begin, Cell(tuple(inline_text(text, style, room - 2))), room)


def hint(text: str, style: Style) -> list[Line]:
    """What can be typed below a question."""
    return hanging([("  ", "")], cell(shown(text, style), HEADING), line_width(style))


def note(text: str, style: Style) -> list[Line]:
    return wrap([(worded(text, style), NOTE)], min(line_width(style), MEASURE))


def _trial(commands: Sequence[Command], style: Style) -> list[Line]:
    lines: list[Line] = [[("Try it", TITLE)], []]
    for command in commands:
        if command.comment:
            lines += wrap([(worded(command.comment, style), HEADING)], line_width(style))
        lines += [*_command(command.text, style), []]
    return lines


def _command(text: str, style: Style) -> list[Line]:
    room = line_width(style) - INDENT
    begin: Line = [(" " * INDENT + "$ ", HEADING)]
    lines = hanging(begin, cell(shown(text, style), NAME), room + INDENT - len(CONTINUED))
    return [*([*line, (CONTINUED, HEADING)] for line in lines[:-1]), lines[-1]]


def _captured(output: str, style: Style) -> Iterator[Line]:
    """What agx printed, as it printed it: its own colours are welcome, long warnings wrapped."""
    room = line_width(style) - INDENT
    for text in output.strip("\n").split("\n"):
        if "\x1b" in text or text.startswith(" "):  # its page, with a margin of its own
            yield [(" " * AGX_INDENT, ""), (text, RAW)]
        elif text:
            yield from ([(" " * INDENT, ""), *part] for part in wrap([(text, "")], room, 2))
        else:
            yield []


def _output(text: str, style: Style) -> list[Line]:
    bar = "│ " if style.unicode else "| "
    room = line_width(style) - INDENT - len(bar)
    lines: list[Line] = []
    for own in shown(text.strip("\n"), style).split("\n"):
        parts = [[(own, "")]] if columns(own) <= room else wrap([(own, "")], room)
        lines += [[(" " * INDENT + bar, HEADING), *part] for part in parts]
    return lines


def _error(run: BlockRun, style: Style) -> list[Line]:
    bar = _bar(style)
    room = line_width(style) - width_of(bar)
    lines: list[Line] = []
    for number, text in run.trace:
        lines += hanging([(f"line {number}: ", HEADING)], cell(shown(text, style)), room)
    for text in run.error.split("\n"):
        lines += paragraph([(shown(text, style), "red")], room)
    return [[*bar, *line] for line in lines]


def _bar(style: Style) -> Line:
    """What stands at the left of an error."""
    return [(" " * INDENT + ("│ " if style.unicode else "| "), "red")]


def _broken(run: BlockRun, style: Style) -> list[Line]:
    claim = run.broken
    assert claim is not None
    lines = _error(run, style) if run.error else []
    if lines:
        lines.append([])
    text = f"a claim of this lesson does not hold here: {claim}"
    return [*lines, *wrap([(shown(text, style), BROKEN)], line_width(style))]


def _indented(lines: Sequence[Line]) -> list[Line]:
    return [[(" " * INDENT, ""), *line] if line else [] for line in lines]
