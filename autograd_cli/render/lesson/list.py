"""The lessons on a terminal: in groups, a line each, with how far the learner is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from autograd_cli.render.layout import GUTTER, Cell, Line, Table, cell, hanging, wrap
from autograd_cli.render.lesson.wording import worded
from autograd_cli.render.parts import HEADING, NAME, TITLE, line_width
from autograd_cli.render.style import Style
from autograd_cli.results.lessons import BEGUN, FINISHED, NEW, LessonEntry, LessonList

MARKS = {FINISHED: ("✓", "x"), BEGUN: ("…", "~"), NEW: ("·", ".")}  # and without Unicode
LOOKS = {FINISHED: "green", BEGUN: "yellow", NEW: "dim"}


def list_page(listing: LessonList, style: Style) -> list[Line]:
    """The lessons in groups, a line each."""
    room = line_width(style)
    lines: list[Line] = []
    rows = {entry.name: _row(entry, entry.summary, style) for entry in listing.lessons}
    if not _fits(rows, room):
        rows = {entry.name: _row(entry, entry.title, style) for entry in listing.lessons}
    widths = Table(("", "", "", ""), list(rows.values()), spaced=False).widths(room)
    for group, entries in groupby(listing.lessons, lambda entry: entry.group):
        members = list(entries)
        lines += [*([[]] if lines else []), [(worded(group, style), TITLE)]]
        table = Table(("", "", "", ""), [rows[entry.name] for entry in members], spaced=False)
        if widths:
            lines += table.lines(widths, HEADING)[1:]
        else:
            for entry in members:
                name, summary = rows[entry.name][1], rows[entry.name][2]
                mark = rows[entry.name][0].lines[0]
                lines += hanging([*mark, (" ", "")], name, room)
                lines += hanging([("    ", "")], summary, room)
        for entry in members:
            if entry.excerpt:
                lines += hanging(
                    [(f"    {entry.name}: ", HEADING)], cell(worded(entry.excerpt, style)), room
                )
    finished = sum(entry.state == FINISHED for entry in listing.lessons)
    if listing.next:
        minutes = sum(entry.minutes for entry in listing.lessons)
        text = f"{finished} of {len(listing.lessons)} finished; about {minutes} minutes in all"
        lines += [[], *wrap([(text, HEADING)], room)]
        goes_on = "goes on" if finished else "begins"
        lines += wrap([("agx lesson next", NAME), (f" {goes_on} with {listing.next}", "")], room)
    return lines


def _fits(rows: Mapping[str, list[Cell]], room: int) -> bool:
    """Whether every lesson takes one line."""
    widths = [max(row[column].width for row in rows.values()) for column in range(4)]
    return sum(widths) + 3 * GUTTER <= room


def _row(entry: LessonEntry, text: str, style: Style) -> list[Cell]:
    mark = MARKS[entry.state][0 if style.unicode else 1]
    return [
        cell(mark, LOOKS[entry.state], solid=True),
        cell(entry.name, NAME, solid=True),
        cell(worded(text, style)),
        cell(f"{entry.minutes} min", HEADING, solid=True, right=True),
    ]
