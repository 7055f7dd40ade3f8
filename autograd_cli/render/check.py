"""Verdicts for people: a table of the answers, the reasons in words, and the conclusion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from autograd_cli.render.layout import GUTTER, Cell, Line, Table, cell, hanging
from autograd_cli.render.numbers import align, short, without_numbers
from autograd_cli.render.parts import (
    BROKEN,
    HEADING,
    NAME,
    NUMBER,
    given,
    heading,
    line_width,
    paragraph,
    shown,
)
from autograd_cli.render.style import Style
from autograd_cli.results import Value, is_finite
from autograd_cli.results.array import LISTS
from autograd_cli.results.check import AGREE, DISAGREE, INCONCLUSIVE, VERDICTS, Check, Component

LOOKS = {AGREE: "green", INCONCLUSIVE: "yellow", DISAGREE: "bold red"}
BAR_DIGITS = 2
SPARED = ((), ("difference",), ("difference", "error bar", "numerical"))
MOST_NAMES = 6  # inputs that the conclusion and a warning name
MOST_NOTES = 6  # warnings that may differ in their numbers only


def page(result: Check, style: Style) -> list[Line]:
    """The lines of a check."""
    room = line_width(style)
    lines = heading(result, style) if result.expression else []
    lines += given(result.at, style, "at")
    if result.samples is not None:
        lines += [*_sampled(result, style), []]
    else:
        lines += [[]] if lines else []
    if result.components:
        lines += [*_table(result, style, room), []]
    for one in result.components:
        if one.note:
            label: Line = [(shown(_label(one, style), style), NAME), (" " * GUTTER, "")]
            lines += hanging(label, cell(shown(one.note, style)), room)
    if any(one.note for one in result.components):
        lines.append([])
    return [*lines, *paragraph_of(conclusion(result), result.verdict, room)]


def paragraph_of(text: str, verdict: str, room: int) -> list[Line]:
    """The conclusion, with its verdict in colour."""
    first, *others = paragraph([(text, "")], room)
    line = "".join(part for part, _ in first)
    rest = line.removeprefix(verdict)
    return [[(verdict, LOOKS[verdict]), (rest, "")] if rest != line else first, *others]


def conclusion(result: Check) -> str:
    """What it comes to, in a sentence that begins with the verdict."""
    verdict = result.verdict
    if result.samples is not None:
        counts = result.samples.verdicts
        each = [f"{counts[one]} {one}" for one in VERDICTS if counts.get(one)]
        count = result.samples.count - result.samples.outside
        if not count:
            return f"{verdict}: at none of the points is there anything to check"
        return f"{verdict}: of {_points(count)}, {', '.join(each)}"
    if result.skipped and verdict == AGREE:
        return (
            f"agree: autograd is right for {result.checked} functions;"
            f" {len(result.skipped)} have no derivatives"
        )
    listed = _few([one.label for one in result.components if one.verdict == verdict])
    whose = "your formula" if result.components[0].claimed is not None else "autograd"
    return {
        AGREE: f"agree: {whose} is right",
        DISAGREE: f"disagree: {whose} is wrong for {listed}",
        INCONCLUSIVE: f"inconclusive for {listed}",
    }[verdict]


def _few(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"


def _sampled(result: Check, style: Style) -> list[Line]:
    """Where the points came from, and how many of them had nothing to check."""
    samples = result.samples
    assert samples is not None
    sign = "∈" if style.unicode else "in"
    ends = [
        f"{name} {sign} [{short(low, style.precision)}, {short(high, style.precision)}]"
        for name, (low, high) in samples.domain.items()
    ]
    text = _points(samples.count) + (f" with {', '.join(ends)}" if ends else "")
    if samples.outside:
        text += f"; at {samples.outside} of them the expression has no finite value"
    lines = paragraph([(shown(text, style), HEADING)], line_width(style))
    if result.checked > len(result.components):
        lines += [[], [("the worst of them", HEADING)]]
    return lines


def _table(result: Check, style: Style, room: int) -> list[Line]:
    """The table; narrow places do without what matters least, then without columns."""
    columns: dict[str, list[Cell]] = {}
    for spared in SPARED:
        columns = _columns(result.components, style)
        if "exact" in columns or "numerical" not in spared:
            columns = {name: cells for name, cells in columns.items() if name not in spared}
        table = Table(list(columns), list(zip(*columns.values(), strict=True)), spaced=False)
        if widths := table.widths(room):
            return table.lines(widths, HEADING)
    columns = _columns(result.components, style)
    return Table(list(columns), list(zip(*columns.values(), strict=True))).records(room, HEADING)


def _columns(components: Sequence[Component], style: Style) -> dict[str, list[Cell]]:
    columns = {"input": [cell(shown(one.label, style), NAME) for one in components]}
    if any(one.at for one in components):
        columns["at"] = [cell(shown(_place(one, style), style), HEADING) for one in components]
    if any(one.claimed is not None for one in components):
        columns["yours"] = _numbers([one.claimed for one in components], style)
    columns["autograd"] = _numbers([one.autograd for one in components], style)
    columns["numerical"] = _numbers([one.numerical for one in components], style)
    bars = Style(precision=BAR_DIGITS)
    columns["error bar"] = _numbers([one.error_bar for one in components], bars)
    if any(one.exact is not None for one in components):
        columns["exact"] = _numbers([one.exact for one in components], style)
    columns["difference"] = _numbers([one.difference for one in components], bars)
    columns["verdict"] = [cell(one.verdict, LOOKS[one.verdict], solid=True) for one in components]
    return columns


def _numbers(values: Sequence[float | None], style: Style) -> list[Cell]:
    texts = align(["" if value is None else short(value, style.precision) for value in values])
    return [
        Cell(([(text, NUMBER if is_finite(value) else BROKEN)],), solid=True, right=True)
        for text, value in zip(texts, values, strict=True)
    ]


def _label(component: Component, style: Style) -> str:
    if not component.at:
        return component.label
    return f"{component.label} at {_place(component, style)}"


def _place(component: Component, style: Style) -> str:
    """Where a component is; in a table of many expressions the shape of an array will do."""
    place = component.at.items()
    if component.where:
        return ", ".join(f"{name}{_shape(value, style)}" for name, value in place)
    return ", ".join(f"{name}={_nested(value, style)}" for name, value in place)


def _shape(value: Value, style: Style) -> str:
    """`=0.7` of a number, ` (2×3)` of an array."""
    sizes: list[str] = []
    inner: Any = value
    while isinstance(inner, LISTS):
        sizes.append(str(len(inner)))
        inner = inner[0] if inner else 0.0
    times = "×" if style.unicode else "x"
    return f" ({times.join(sizes)})" if sizes else f"={short(inner, style.precision)}"


def _nested(value: Value, style: Style) -> str:
    if isinstance(value, LISTS):
        return "[" + ",".join(_nested(item, style) for item in value) + "]"
    return short(value, style.precision)  # type: ignore[arg-type]


def separate(names: str) -> list[str]:
    """The elements that a component is by: `x,A[0,1]` is by x and by A[0,1]."""
    return re.findall(r"[^,\[]+(?:\[[^\]]*\])?", names)


def warnings(result: Check, *, for_people: bool, with_notes: bool = True) -> Iterator[str]:
    """What is inconclusive; for those who see no table also why, and where there was no value.

    Where the format is `with_notes`, the reasons stand in it; else they are told of the one point
    that there is.
    """
    samples = result.samples
    if samples is not None and samples.outside and not for_people:
        yield (
            f"at {samples.outside} of {_points(samples.count)} the expression has no finite value:"
            " there was nothing to check"
        )
    listed = len(result.components)
    if samples is not None and samples.verdicts.get(DISAGREE, 0) > listed and not for_people:
        yield (
            f"at {samples.verdicts[DISAGREE]:,} of {_points(samples.count)} it disagrees:"
            f" the {listed} that are listed are the worst"
        )
    if result.verdict == INCONCLUSIVE:
        if for_people or all(one.verdict != INCONCLUSIVE for one in result.components):
            yield f"the check is {conclusion(result)}"
        else:
            yield from _reasons(result, INCONCLUSIVE)
    elif not with_notes and samples is None:
        for verdict in (DISAGREE, INCONCLUSIVE):
            yield from _reasons(result, verdict)


def _reasons(result: Check, verdict: str) -> Iterator[str]:
    """Why the inputs with a verdict have it."""
    found = [one for one in result.components if one.verdict == verdict]
    notes: dict[str, list[Component]] = {}
    for one in found:
        notes.setdefault(one.note, []).append(one)
    if len(notes) > MOST_NOTES:  # those that differ in their numbers only are told once
        alike: dict[str, list[Component]] = {}
        for one in found:
            alike.setdefault(without_numbers(one.note), []).append(one)
        notes = alike
    for group in notes.values():
        names = [_label(one, Style()) for one in group]
        first = group[0].note
        whose = f"for {names[0]}, " if any(one.note != first for one in group) else ""
        yield f"{verdict} for {_few(names)}: {whose}{first}"
