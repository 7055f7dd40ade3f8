"""Mermaid: a flowchart for Markdown."""

from __future__ import annotations

from dataclasses import replace
from typing import TextIO

from autograd_cli.render.graph.diagram import Diagram, diagram
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
# What a page that draws Mermaid refuses, unless it was set up otherwise; a diagram cannot say so.
MOST_ARROWS = 500
MOST_CHARACTERS = 50_000

PLAIN = set(" +-=.,:()[]/×…·–✂")


def write(drawing: Drawing, out: TextIO, style: Style) -> None:
    words = Words.for_people(drawing.graph, style)
    most = min(drawing.most, MOST_ARROWS + 1)
    drawn = diagram(replace(drawing, most=most), words)
    lines = _lines(drawn)
    while len(drawn.arrows) > MOST_ARROWS or sum(map(len, lines)) > MOST_CHARACTERS:
        most -= max(most // 10, 1)
        drawn = diagram(replace(drawing, most=most), words)
        lines = _lines(drawn)
    out.writelines(lines)


def _lines(drawn: Diagram) -> list[str]:
    lines = ["flowchart TD\n"]
    for box in drawn.boxes:
        opening, closing = SHAPES[box.kind]
        lines.append(f"  {box.id}{opening}{'<br>'.join(map(_escaped, box.lines))}{closing}\n")
    for arrow in drawn.arrows:
        label = f'|"{_escaped(", ".join(arrow.label))}"|' if arrow.label else ""
        lines.append(f"  {arrow.source} -->{label} {arrow.target}\n")
    members = {kind: [box.id for box in drawn.boxes if box.kind == kind] for kind in CLASSES}
    if drawn.note:
        opening, closing = SHAPES["rest"]
        lines.append(f"  note{opening}{_escaped(drawn.note)}{closing}\n")
        members["rest"].append("note")
    for kind, names in members.items():
        if names:
            lines.append(f"  classDef {kind} {CLASSES[kind]}\n  class {','.join(names)} {kind}\n")
    return lines


def _escaped(text: str) -> str:
    """Everything that Mermaid, Markdown or HTML could take for a sign, as its entity code."""
    return "".join(
        character if character.isalnum() or character in PLAIN else f"#{ord(character)};"
        for character in text
    )
