"""DOT, for Graphviz: `agx graph … -f dot | dot -Tpng`."""

from __future__ import annotations

from typing import TextIO

from autograd_cli.render.graph.diagram import diagram
from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.words import Words
from autograd_cli.render.style import Style

LOOKS = {
    "operation": 'shape=box, style="rounded,filled", fillcolor="#eef3fb"',
    "backward": 'shape=box, style="rounded,filled", fillcolor="#fbeeee"',
    "variable": 'shape=box, style=filled, fillcolor="#e3f4e6"',
    "constant": "shape=plaintext, fontcolor=gray40",
    "cut": 'shape=box, style=dashed, color="#b45309"',
    "run": "shape=box3d",
    "rest": "shape=plaintext",
}


def write(drawing: Drawing, out: TextIO, style: Style) -> None:
    words = Words.for_people(drawing.graph, style)
    drawn = diagram(drawing, words)
    out.write("digraph autograd {\n")
    out.write('  graph [rankdir=TB, fontname="monospace"];\n')
    out.write('  node [fontname="monospace", fontsize=10];\n')
    out.write('  edge [fontname="monospace", fontsize=9, color=gray40];\n')
    if drawn.note:
        out.write(f"  label={_quoted(drawn.note)};\n")
    for box in drawn.boxes:
        out.write(f"  {box.id} [{LOOKS[box.kind]}, label={_quoted(*box.lines)}];\n")
    for arrow in drawn.arrows:
        label = f" [label={_quoted(*arrow.label)}]" if arrow.label else ""
        out.write(f"  {arrow.source} -> {arrow.target}{label};\n")
    out.write("}\n")


def _quoted(*lines: str) -> str:
    """A string of DOT; only quotes and backslashes mean something inside."""
    texts = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(texts) + '"'
