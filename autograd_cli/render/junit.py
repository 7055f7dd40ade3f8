"""JUnit XML, as continuous integration reads it: a test case for every derivative.

What disagrees is a failure; what is inconclusive is skipped, or a failure with `--strict`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO
from xml.sax.saxutils import quoteattr

from autograd_cli.errors import visible
from autograd_cli.render.numbers import exact
from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import Style
from autograd_cli.results import Result
from autograd_cli.results.check import AGREE, Check, Component


def write(result: Result, out: TextIO, style: Style) -> None:
    assert isinstance(result, Check)  # no other command has this format
    text = "".join(f"{line}\n" for line in _lines(result))
    out.write(text if style.utf else text.encode("ascii", "xmlcharrefreplace").decode())


def write_points(points: Points, out: TextIO, style: Style) -> None:
    raise NotImplementedError  # a check is one result


def write_run(run: Run, out: TextIO, style: Style) -> None:
    raise NotImplementedError  # a check is no fit


def _lines(result: Check) -> Iterator[str]:
    cases = list(result.components)
    failed = sum(one.verdict in result.failures for one in cases)
    skipped = sum(one.verdict != AGREE and one.verdict not in result.failures for one in cases)
    counts = f'tests="{len(cases)}" failures="{failed}" errors="0"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="agx check" {counts}>'
    yield f'  <testsuite name={_quoted(result.expression or "agx")} {counts} skipped="{skipped}">'
    for one in cases:
        yield from _case(one, result)
    yield "  </testsuite>"
    yield "</testsuites>"


def _case(one: Component, result: Check) -> Iterator[str]:
    place = ", ".join(f"{name}={value}" for name, value in (one.at or result.at).items())
    name = _quoted(f"{one.input} at {place}" if place else one.input)
    group = _quoted(one.where or result.expression)
    if one.verdict == AGREE:
        yield f"    <testcase classname={group} name={name}/>"
        return
    tag = "failure" if one.verdict in result.failures else "skipped"
    values = [("autograd", one.autograd), ("numerical", one.numerical), ("exact", one.exact)]
    values += [("claimed", one.claimed)]
    told = [f"{what} {exact(value)}" for what, value in values if value is not None]
    message = _quoted(f"{one.note} ({', '.join(told)})")
    kind = f' type="{one.verdict}"' if tag == "failure" else ""
    yield f"    <testcase classname={group} name={name}>"
    yield f"      <{tag}{kind} message={message}/>"
    yield "    </testcase>"


def _quoted(text: str) -> str:
    return quoteattr(visible(text.replace("\n", " ").replace("\t", " ")))
