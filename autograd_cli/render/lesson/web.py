"""A lesson as one HTML page that needs no network, with what its blocks did when it was written."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer

from autograd_cli import __version__
from autograd_cli.errors import visible
from autograd_cli.lessons.lesson import Block, Code, Commands, Lesson, Picture, Prose, Question
from autograd_cli.lessons.performance import outputs_of
from autograd_cli.lessons.reader import markdown
from autograd_cli.results.lessons import BlockRun

# Nothing may be loaded and nothing may run.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{css}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{summary} · {minutes} min</p>
</header>
<main>
{body}
</main>
<footer><p>A lesson of agx {version}. What it prints was printed by torch when this page was
written: <code>agx lesson {name}</code> runs it anew.</p></footer>
</body>
</html>
"""


def web_page(
    lesson: Lesson, runs: Mapping[int, BlockRun], drawings: Mapping[int, str | bytes]
) -> str:
    """The page; `runs` and `drawings` are by the number of the block, a drawing SVG or text."""
    card = lesson.card
    body = "\n".join(part for block in lesson.blocks for part in _parts(block, runs, drawings))
    return PAGE.format(
        policy=POLICY,
        title=escape(card.title),
        css=files(__package__).joinpath("web.css").read_text(encoding="utf-8"),
        summary=escape(card.summary),
        minutes=card.minutes,
        body=body,
        version=__version__,
        name=escape(card.name),
    )


def _parts(
    block: Block, runs: Mapping[int, BlockRun], drawings: Mapping[int, str | bytes]
) -> Iterator[str]:
    if isinstance(block, Prose):
        yield markdown().renderer.render(block.tokens, markdown().options, {})
    elif isinstance(block, Code):
        yield from _code(block, runs[block.number])
    elif isinstance(block, Picture):
        yield _picture(block, drawings[block.number])
    elif block.trial:
        yield from _trials(block)
    else:
        run = runs[block.number]
        for command, output in zip(block.commands, outputs_of(run), strict=True):
            yield _command(command.text)
            yield _pre("output", escape(_shown(output)))


def _code(block: Code, run: BlockRun) -> Iterator[str]:
    if block.hidden:
        return
    formatter = HtmlFormatter(nowrap=True)
    yield _pre("", highlight(block.source.strip("\n"), PythonLexer(stripnl=False), formatter))
    yield from map(_question, block.questions)
    if run.output.strip():
        yield _pre("output wrapped", escape(_shown(run.output)))
    if run.error:
        trace = [f"<span>line {number}:</span> {escape(text)}" for number, text in run.trace]
        yield _pre("error", "\n".join([*trace, escape(_shown(run.error))]))


def _command(text: str) -> str:
    return _pre("wrapped", f"<span>$ </span>{escape(text)}")


def _pre(kind: str, content: str) -> str:
    return (
        f'<pre class="{kind}">{content.rstrip()}</pre>'
        if kind
        else f"<pre>{content.rstrip()}</pre>"
    )


def _question(question: Question) -> str:
    text, why = (markdown().renderInline(part) for part in (question.text, question.why))
    answer = f"<code>{escape(question.answer)}</code>"
    return f"<details><summary>{text}</summary><p>{answer}. {why}</p></details>"


def _picture(block: Picture, drawing: str | bytes) -> str:
    if isinstance(drawing, str):
        return _pre("output", escape(drawing))
    data = base64.b64encode(drawing).decode("ascii")
    title = escape(block.settings.get("title", block.name))
    return f'<img alt="{title}" src="data:image/svg+xml;base64,{data}">'


def _trials(block: Commands) -> Iterator[str]:
    yield '<section class="try"><h2>Try it</h2>'
    for command in block.commands:
        yield f"<p>{escape(command.comment)}</p>"
        yield _command(command.text)
    yield "</section>"


def _shown(text: str) -> str:
    return "\n".join(visible(line) for line in text.strip("\n").expandtabs(4).split("\n"))
