"""Mermaid: a flowchart for Markdown."""

from __future__ import annotations

from typing import TextIO

from autograd_cli.render.graph.diagram import diagram
from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.words import Words
from autograd_cli.render.style import Style

SHAPES = {
    "operation": ('("', '")'),
    "backward": ('("', '")'),
    "variable": ('["', '"]'),
    "constant": ('(["', '"])'),
    "cut": ('[/"', '"/]'),
    "run": ('[["', '"]]'),
    "rest": ('(["', '"])'),
}
CLASSES = {
    "operation": "fill:#eef3fb,stroke:#4a6fa5,color:#111",
    "backward": "fill:#fbeeee,stroke:#a54a4a,color:#111",
    "variable": "fill:#e3f4e6,stroke:#3b7d48,color:#111",
    "constant": "fill:none,stroke:#999,stroke-dasharray:2",
    "cut": "fill:none,stroke:#b45309,stroke-dasharray:4",
    "run": "fill:#f4f0fa,stroke:#7a5ea5,color:#111",
    "rest": "fill:none,stroke:none",
}
PLAIN = set(" +-=.,:()[]/×…·–✂")


def write(drawing: Drawing, out: TextIO, style: Style) -> None:
    words = Words.for_people(drawing.graph, style)
    drawn = diagram(drawing, words)
    out.write("flowchart TD\n")
    for box in drawn.boxes:
        opening, closing = SHAPES[box.kind]
        out.write(f"  {box.id}{opening}{'<br>'.join(map(_escaped, box.lines))}{closing}\n")
    for arrow in drawn.arrows:
        label = f'|"{_escaped(", ".join(arrow.label))}"|' if arrow.label else ""
        out.write(f"  {arrow.source} -->{label} {arrow.target}\n")
    for kind, look in CLASSES.items():
        members = [box.id for box in drawn.boxes if box.kind == kind]
        if members:
            out.write(f"  classDef {kind} {look}\n  class {','.join(members)} {kind}\n")
    if drawn.note:
        out.write(f"  %% {drawn.note}\n")


def _escaped(text: str) -> str:
    """Everything that Mermaid, Markdown or HTML could take for a sign, as its entity code."""
    return "".join(
        character if character.isalnum() or character in PLAIN else f"#{ord(character)};"
        for character in text
    )
