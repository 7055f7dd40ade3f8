"""Results as text: one file per format, and the table of formats.

A format is a module with `write(result, out, style)` and `write_points(points, out, style)`. It is
imported when it is used, because the terminal's needs rich and the others do not.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Protocol, TextIO, cast

from autograd_cli.console import Console
from autograd_cli.errors import UsageError
from autograd_cli.render.notes import Noted
from autograd_cli.render.output import destination
from autograd_cli.render.points import Points
from autograd_cli.render.run import Run
from autograd_cli.render.style import DEFAULT_PRECISION, Style
from autograd_cli.results import Evaluation, Result
from autograd_cli.results.fit import INTERRUPTED


class Renderer(Protocol):
    """What the module of a format has; one for people has `write_note` as well.

    `write_run` may write the steps of a fit as they come, and ends with its result.
    """

    def write(self, result: Result, out: TextIO, style: Style) -> None: ...

    def write_points(self, points: Points, out: TextIO, style: Style) -> None: ...

    def write_run(self, run: Run, out: TextIO, style: Style) -> None: ...

    def write_note(self, note: str, out: TextIO, style: Style) -> None: ...


@dataclass(frozen=True)
class Format:
    """A row of the table: the name, the module, the endings of file names, one line of help.

    `for_people` formats round numbers, and show formulas and notes; `tells_endings` says that their
    page of a fit says how it ended, `carries_warnings` that the warnings are part of the text.
    `streams` says that many points go out as columns, a chunk at a time (`render.streams`),
    `is_binary` that they are no text, `is_styled` that a terminal is sent colours. A format that is
    not `general` suits some results only, whose commands name it.
    """

    name: str
    module: str
    endings: tuple[str, ...]
    help: str
    for_people: bool = False
    tells_endings: bool = False
    carries_warnings: bool = False
    general: bool = True
    streams: bool = False
    is_binary: bool = False
    is_styled: bool = False

    @property
    def renderer(self) -> Renderer:
        return cast(Renderer, importlib.import_module(f"{__name__}.{self.module}"))


FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format(
            "plain",
            "plain",
            (".txt", ".tsv"),
            "tab-separated lines, full precision",
            streams=True,
        ),
        Format(
            "table",
            "terminal",
            (".txt",),
            "for reading on a terminal",
            for_people=True,
            is_styled=True,
            tells_endings=True,
        ),
        Format("json", "json_", (".json",), "one JSON object", carries_warnings=True),
        Format(
            "ndjson",
            "ndjson",
            (".ndjson", ".jsonl"),
            "a JSON object a line",
            carries_warnings=True,
            streams=True,
        ),
        Format("csv", "csv_", (".csv",), "a header and rows", streams=True),
        Format(
            "parquet",
            "",
            (".parquet", ".pq"),
            "for many points",
            general=False,
            streams=True,
            is_binary=True,
        ),
        Format(
            "arrow",
            "",
            (".arrow", ".arrows"),
            "for many points, as a stream of Arrow",
            general=False,
            streams=True,
            is_binary=True,
        ),
        Format("latex", "latex", (".tex",), "an align* block for amsmath", for_people=True),
        Format("markdown", "markdown", (".md",), "tables for notes and issues", for_people=True),
        Format("junit", "junit", (".xml",), "test cases for CI", general=False),
        Format("dot", "graph.dot", (".dot", ".gv"), "for Graphviz", general=False),
        Format("mermaid", "graph.mermaid", (".mmd", ".mermaid"), "for Mermaid", general=False),
        Format("svg", "graph.svg", (".svg",), "a picture", for_people=True, general=False),
        Format("png", "pictures", (".png",), "a picture", general=False),
        Format("pdf", "pictures", (".pdf",), "a picture", general=False),
        Format(
            "html",
            "graph.html",
            (".html", ".htm"),
            "a page to explore",
            for_people=True,
            general=False,
        ),
    )
}
AUTO = "auto"
GENERAL = tuple(row.name for row in FORMATS.values() if row.general)
STREAMED = tuple(row.name for row in FORMATS.values() if row.streams)
BINARY = tuple(row.name for row in FORMATS.values() if row.is_binary)


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a result goes and what it shall look like there."""

    format: Format
    file: str = ""  # "" is stdout
    precision: int = DEFAULT_PRECISION


def choose(asked: str, file: str, *, terminal: bool, among: Collection[str] = GENERAL) -> Format:
    """The format for `--format` and `--output`, `among` those that the command has.

    Raises UsageError for an unknown format, for one that the command does not have, and where the
    file's ending contradicts it.
    """
    ending = PurePath(file).suffix.lower()
    by_ending = [row for row in FORMATS.values() if file and ending in row.endings]
    if asked == AUTO:
        if by_ending:
            return _suitable(by_ending, among)
        return FORMATS["table" if terminal and not file else "plain"]
    chosen = FORMATS.get(asked)
    if chosen is None:
        raise unknown("format", asked, [AUTO, *among])
    if by_ending and chosen not in by_ending:
        raise UsageError(
            f"--format {asked} contradicts the ending of {file!r}",
            hint=f"leave one of them out: {ending} alone means {by_ending[0].name}",
        )
    return _suitable([chosen], among)


def _suitable(rows: list[Format], among: Collection[str]) -> Format:
    """The first of the rows that the command has."""
    for row in rows:
        if row.name in among:
            return row
    raise UsageError(
        f"this command has no format {rows[0].name!r}", hint=f"it has: {', '.join([AUTO, *among])}"
    )


def unknown(what: str, value: str, choices: list[str]) -> UsageError:
    """The error for a value that is none of the choices, with the one that is closest."""
    close = difflib.get_close_matches(value.lower(), choices, n=1)
    known = f"known: {', '.join(choices)}"
    hint = f"did you mean {close[0]!r}? {known}" if close else known
    return UsageError(f"unknown {what} {value!r}", hint=hint)


def emit(result: Result | Points | Noted, console: Console, output: Output) -> None:
    """Write a result where it shall go, and its warnings to stderr."""
    note = result.note if isinstance(result, Noted) else ""
    found = result.result if isinstance(result, Noted) else result
    style = Style.of_console(console, output.precision)
    if output.file:
        style = style.for_file()
    renderer = output.format.renderer
    told = _Warnings(found.warnings)
    with destination(output.file, console, styled=output.format.is_styled) as out:
        if isinstance(found, Points):
            renderer.write_points(replace(found, points=told.listen(found)), out, style)
        else:
            renderer.write(found, out, style)
        if note and output.format.for_people:
            renderer.write_note(note, out, style)
    if not output.format.carries_warnings:
        console.flush()  # so that the two streams arrive in order
        console.complain("".join(f"warning: {text}\n" for text in told.texts()))


def emit_run(run: Run, console: Console, output: Output) -> None:
    """Write a fit where it shall go, while it goes on, and its warnings to stderr."""
    style = Style.of_console(console, output.precision)
    with destination(output.file, console, styled=output.format.is_styled) as out:
        output.format.renderer.write_run(run, out, style.for_file() if output.file else style)
    if not output.format.carries_warnings:
        console.flush()
        texts = list(run.result.warnings)
        silent = run.result.converged or run.result.reason == INTERRUPTED
        if not (silent or output.format.tells_endings):
            texts.insert(0, f"not converged: {run.result.reason}")
        console.complain("".join(f"warning: {text}\n" for text in texts))


class _Warnings:
    """The warnings of a result; the same one at many points is told once."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._times = dict.fromkeys(texts, 1)

    def listen(self, points: Points) -> Iterator[Evaluation]:
        for point in points.points:
            for text in point.warnings:
                self._times[text] = self._times.get(text, 0) + 1
            yield point

    def texts(self) -> Iterator[str]:
        for text, times in self._times.items():
            yield text if times == 1 else f"{text} (at {times} points)"
