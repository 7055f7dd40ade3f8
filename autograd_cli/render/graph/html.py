"""HTML: one page without a network, in which the graph can be explored and played."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import Any, TextIO

from autograd_cli.errors import visible
from autograd_cli.render.graph.diagram import Diagram, DiagramArrow, DiagramBox, diagram
from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.folding import Run
from autograd_cli.render.graph.ledgers import ledger_line
from autograd_cli.render.graph.steps import steps
from autograd_cli.render.graph.svg import picture, rules, title, variable, variables
from autograd_cli.render.graph.words import Words
from autograd_cli.render.style import Style
from autograd_cli.results.graph import GraphConstant
from autograd_cli.results.graph_parts import GraphNode
from autograd_cli.results.ledgers import Ledger

# The page's own script and nothing else may run, and nothing may be loaded.
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{script}';"
    " base-uri 'none'"
)

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
<h1>autograd graph</h1>
<pre id="expression" tabindex="0" aria-label="The expression">{expression}</pre>
<p id="at">{at}</p>
</header>
<main>
<section aria-label="The graph">
<div class="controls" role="group" aria-label="Play the forward and the backward pass">
<button id="first" type="button">Start</button>
<button id="back" type="button">Back</button>
<button id="play" type="button">Play</button>
<button id="next" type="button">Next</button>
<button id="end" type="button">End</button>
<button id="smaller" type="button" aria-label="Smaller">−</button>
<button id="larger" type="button" aria-label="Larger">+</button>
<button id="fit" type="button" aria-pressed="false">Fit to width</button>
<input id="step" type="range" min="0" max="{last}" value="{last}" step="1" aria-label="Step">
<p id="status" role="status" aria-live="polite"></p>
</div>
<p class="hint keys">Tab to the graph; arrow keys move along it, Enter holds a node;
n and p are the next and the previous step; + and - zoom, as Ctrl and the wheel do.</p>
<div id="drawing">
{picture}
</div>
</section>
<aside>
<section id="details" aria-label="The chosen node">
<div id="facts" aria-live="polite"></div>
</section>
<section aria-label="Where gradients add up"><h2>Where gradients add up</h2>
<ul class="number">
{ledgers}
</ul></section>
</aside>
</main>
<script type="application/json" id="graph-data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def write(drawing: Drawing, out: TextIO, style: Style) -> None:
    words = Words.for_people(drawing.graph, style)
    drawn = diagram(drawing, words)
    graph = drawing.graph
    script = _file("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    film = steps(drawn, words)
    at = ", ".join(f"{name} = {words.value(value)}" for name, value in graph.at.items())
    out.write(
        PAGE.format(
            policy=escape(POLICY.format(script=f"sha256-{digest}")),
            title=escape(title(words)),
            css=variables() + rules(variable) + _file("page.css"),
            expression=escape(_visible(graph.expression)),
            at=escape(words.shown(f"at {at}; value {words.with_norm(graph.value)}")),
            last=len(film),
            picture=picture(drawing, drawn, words, interactive=True),
            ledgers="\n".join(_ledgers(drawing, words)),
            data=_data(drawing, drawn, words, [step.to_dict() for step in film]),
            script=script,
        )
    )


def _file(name: str) -> str:
    return files("autograd_cli.render.graph").joinpath(name).read_text(encoding="utf-8")


def _visible(text: str) -> str:
    """The text, of the same length, in characters that a page may hold."""
    return "\n".join(visible(line) for line in text.replace("\t", " ").split("\n"))


def _data(drawing: Drawing, drawn: Diagram, words: Words, film: list[dict[str, Any]]) -> str:
    """What the script knows, as JSON that no HTML parser can take for anything else."""
    into: dict[str, list[DiagramArrow]] = {}
    out: dict[str, list[DiagramArrow]] = {}
    for arrow in drawn.arrows:
        into.setdefault(arrow.target, []).append(arrow)
        out.setdefault(arrow.source, []).append(arrow)
    names = {box.id: box for box in drawn.boxes}
    boxes = [
        _box(box, into.get(box.id, []), out.get(box.id, []), names, words) for box in drawn.boxes
    ]
    content = {
        "expression": _visible(drawing.graph.expression),
        "root": drawn.root,
        "boxes": boxes,
        "steps": film,
        "start": "Nothing is computed yet: Next begins the forward pass.",
        "end": "This was the last step: the gradients are complete.",
    }
    text = json.dumps(content, ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _box(
    box: DiagramBox,
    into: list[DiagramArrow],
    out: list[DiagramArrow],
    names: dict[str, DiagramBox],
    words: Words,
) -> dict[str, Any]:
    one = box.box
    found: dict[str, Any] = {
        "id": box.id,
        "title": " ".join((box.id, *box.lines[:1])),
        "span": None,
        "facts": [],
        "leaf": False,
        "gradient": "",
        "steps": isinstance(one, (GraphNode, Run)),
        "above": [arrow.source for arrow in into],
        "below": [arrow.target for arrow in out],
        "receives": [_edge(arrow, arrow.source, names, words) for arrow in into],
        "sends": [_edge(arrow, arrow.target, names, words) for arrow in out],
    }
    if isinstance(one, GraphNode):
        found["span"] = list(one.span)
        found["leaf"] = one.is_leaf
        found["gradient"] = "" if one.grad is None else words.brief(one.grad)  # fits the box
        found["facts"] = [
            [name, text]
            for name, text in (
                ("expression", words.shorter(200).text(one)),
                ("shape", words.shape(one.shape)),
                ("value", "" if one.value is None else words.with_norm(one.value)),
                ("gradient", "" if one.grad is None else words.with_norm(one.grad)),
                ("saved", ", ".join(f"{kept.role} ({kept.source})" for kept in one.saved)),
            )
            if text
        ]
    elif isinstance(one, GraphConstant):
        found["span"] = list(one.span)
    elif isinstance(one, Run):
        found["span"] = list(one.path[0].span)
        found["facts"] = [["nodes", words.range(one)]]
    return found


def _edge(arrow: DiagramArrow, other: str, names: dict[str, DiagramBox], words: Words) -> str:
    box = names[other]
    who = f"{other} {words.text(box.box)}" if isinstance(box.box, GraphNode) else box.lines[0]
    return f"{who}: {', '.join(arrow.label)}" if arrow.label else who


def _ledgers(drawing: Drawing, words: Words) -> list[str]:
    graph = drawing.graph
    nodes = {node.id: node for node in graph.nodes}
    every: list[tuple[str, Ledger]] = [
        *((words.shown(name), ledger) for name, ledger in graph.leaves.items()),
        *(
            (f"{one} {words.text(nodes[one])}", ledger)
            for one, ledger in list(graph.shared.items())[:50]
        ),
    ]
    return [f"<li>{escape(ledger_line(name, ledger, words))}</li>" for name, ledger in every]
