"""SVG: a picture of the graph, in light and dark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple, TextIO

from autograd_cli.errors import Span
from autograd_cli.render.graph.diagram import Diagram, DiagramArrow, DiagramBox, diagram
from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.geometry import LINE, SMALL_LINE, Place, Point
from autograd_cli.render.graph.layout import layout
from autograd_cli.render.graph.words import Words
from autograd_cli.render.style import Style
from autograd_cli.results.graph_parts import GraphNode

LIGHT = {
    "page": "#ffffff",
    "text": "#1c2430",
    "faint": "#596579",
    "line": "#8593a8",
    "operation": "#eef3fb",
    "operation-line": "#5b7db1",
    "backward": "#fbeff0",
    "backward-line": "#b5656c",
    "variable": "#e4f4e7",
    "variable-line": "#3f8550",
    "run": "#f3eefb",
    "run-line": "#7d62ad",
    "cut": "#a4500a",
    "accent": "#b3261e",
    "mark": "#ffe9a8",
}
DARK = {
    "page": "#12161d",
    "text": "#e3e8f0",
    "faint": "#a0abbb",
    "line": "#67748a",
    "operation": "#1b2636",
    "operation-line": "#6d93cc",
    "backward": "#33202a",
    "backward-line": "#d58a91",
    "variable": "#18301f",
    "variable-line": "#62b577",
    "run": "#282036",
    "run-line": "#a78ad8",
    "cut": "#f0a35e",
    "accent": "#ff8a80",
    "mark": "#5a4a12",
}


class Look(NamedTuple):
    """How a kind of box is painted: names of colours, or `none`, and dashes of its border."""

    fill: str
    stroke: str
    text: str = "text"
    dashes: str = ""


BOXES = {
    "operation": Look("operation", "operation-line"),
    "backward": Look("backward", "backward-line"),
    "variable": Look("variable", "variable-line"),
    "run": Look("run", "run-line", dashes="6 2"),
    "constant": Look("none", "none", text="faint"),
    "rest": Look("none", "none", text="faint"),
    "cut": Look("none", "cut", text="cut", dashes="4 3"),
}
DASHED = ("constant", "cut", "rest")  # what an arrow leads to, if it is dashed
DASHES = "3 3"
SIZE, SMALL = 12, 10  # of letters
BORDER = 1.2
FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def rules(colour: Callable[[str], str]) -> str:
    """The colours of a picture by class, for browsers; `colour` is the CSS of a name."""
    boxes = "\n".join(
        f".graph .{kind} rect {{ fill: {colour(look.fill)}; stroke: {colour(look.stroke)}; }}"
        f" .graph .{kind} text {{ fill: {colour(look.text)}; }}"
        for kind, look in BOXES.items()
    )
    return f"""
.graph text {{ fill: {colour("text")}; }}
{boxes}
.graph text.head {{ fill: {colour("faint")}; }}
.graph .arrow path {{ stroke: {colour("line")}; }}
.graph .arrow .tip {{ fill: {colour("line")}; stroke: none; }}
.graph .label text {{ fill: {colour("faint")}; }}
.graph .page, .graph .label rect {{ fill: {colour("page")}; }}
"""


def light(name: str) -> str:
    """The plain colour of a name, which every renderer understands."""
    return LIGHT.get(name, name)


def variable(name: str) -> str:
    """A name of a colour in a page that has `variables`."""
    return f"var(--{name})" if name in LIGHT else name


def write(drawing: Drawing, out: TextIO, style: Style) -> None:
    words = Words.for_people(drawing.graph, style)
    drawn = diagram(drawing, words)
    out.write(picture(drawing, drawn, words, alone=True) + "\n")


def dark() -> str:
    """The style of a picture by itself: its attributes are light, and this comes on top of them
    where people prefer the dark and the renderer is one that knows."""
    rules_of_dark = rules(lambda name: DARK.get(name, name))
    return f"@media (prefers-color-scheme: dark) {{{rules_of_dark}}}"


def variables() -> str:
    """The colours of a page, for light and for dark."""
    light = "".join(f"--{name}:{colour};" for name, colour in LIGHT.items())
    dark = "".join(f"--{name}:{colour};" for name, colour in DARK.items())
    return (
        f"\n:root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    )


def picture(
    drawing: Drawing,
    drawn: Diagram,
    words: Words,
    *,
    alone: bool = False,
    interactive: bool = False,
) -> str:
    """The svg element: a file `alone`, or part of a page. An `interactive` one has boxes that take
    the focus.

    Its colours stand in attributes, as renderers other than browsers know no variables and often no
    classes; the rules of a style sheet outrank them.
    """
    placed = layout(drawn)
    parts = []
    width, height = round(placed.width), round(placed.height)
    xmlns = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    role = "group" if interactive else "img"
    parts.append(
        f'<svg{xmlns} class="graph" role="{role}" aria-labelledby="graph-title graph-desc"'
        f' width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' font-family="{FONT}" font-size="{SIZE}" xml:space="preserve">'
    )
    parts.append(f'<title id="graph-title">{_text(title(words))}</title>')
    parts.append(f'<desc id="graph-desc">{_text(_description(drawing, drawn))}</desc>')
    if alone:
        page = _paint(fill="page")
        parts.append(f"<style>{dark()}</style>")
        parts.append(f'<rect class="page" width="{width}" height="{height}"{page}/>')
    kinds = {box.id: box.kind for box in drawn.boxes}
    for arrow, route in zip(drawn.arrows, placed.routes, strict=True):
        parts.append(_arrow(arrow, route, kinds[arrow.target]))
    parts += [_box(box, placed.places[box.id], words, interactive) for box in drawn.boxes]
    parts += [
        _label(arrow, place)
        for arrow, place in zip(drawn.arrows, placed.labels, strict=True)
        if place is not None
    ]
    if drawn.note:
        faint = _paint(fill="faint")
        note = _text(drawn.note)
        parts.append(f'<text class="head" x="12" y="{height - 6}"{faint}>{note}</text>')
    parts.append("</svg>")
    return "\n".join(parts)


def title(words: Words) -> str:
    graph = words.graph
    return f"The autograd graph of {words.excerpt(_whole(graph.expression), 200)}"


def _whole(text: str) -> Span:
    return Span(0, len(text))


def _description(drawing: Drawing, drawn: Diagram) -> str:
    count = sum(isinstance(box.box, GraphNode) for box in drawn.boxes)
    names = ", ".join(drawing.graph.leaves)
    return f"{count} nodes, from the output {drawn.root} down to the variables {names}."


def _box(box: DiagramBox, place: Place, words: Words, interactive: bool) -> str:
    left, top = place.x - place.width / 2, place.y - place.height / 2
    focus = ""
    if interactive and box.kind not in ("constant", "rest"):
        name = _text(f"{box.id}: {', '.join(box.lines)}")
        focus = f' tabindex="-1" role="button" aria-label="{name}" aria-pressed="false"'
    look = BOXES[box.kind]
    texts = []
    for number, line in enumerate(box.lines):
        part = _part(box, number, line)
        paint = _paint(fill="faint" if part == "head" else look.text)
        bold = ' font-weight="bold"' if part == "expression" else ""
        x, y = left + 10, top + 17 + number * LINE
        texts.append(
            f'<text class="{part}" x="{x:.1f}" y="{y:.1f}"{paint}{bold}>{_text(line)}</text>'
        )
    border = _paint(fill=look.fill, stroke=look.stroke, width=BORDER, dashes=look.dashes)
    return (
        f'<g class="box {box.kind}" id="box-{box.id}" data-id="{box.id}"{focus}>'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{place.width:.1f}"'
        f' height="{place.height:.1f}" rx="5"{border}/>{"".join(texts)}</g>'
    )


def _paint(fill: str = "none", stroke: str = "none", width: float = 0.0, dashes: str = "") -> str:
    """Attributes for the names of colours."""
    line = f' stroke="{light(stroke)}" stroke-width="{width}"' if stroke != "none" else ""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f' fill="{light(fill)}"{line}{dashed}'


def _part(box: DiagramBox, number: int, line: str) -> str:
    if isinstance(box.box, GraphNode):
        if number == 0:
            return "head"
        if number == 1:
            return "expression"
        return line.partition(" ")[0]  # shape, value, gradient
    return ""


def _arrow(arrow: DiagramArrow, route: Sequence[Point], kind: str) -> str:
    is_dashed = kind in DASHED
    dashed = " dashed" if is_dashed else ""
    line = _paint(stroke="line", width=BORDER, dashes=DASHES if is_dashed else "")
    (x, y) = route[-1]
    tip = f'<path class="tip" d="M{x:.1f},{y:.1f}l-3.5,-7h7z"{_paint(fill="line")}/>'
    if route[0][1] == y:  # to a constant beside the box
        tip = ""
    return (
        f'<g class="arrow{dashed}" data-from="{arrow.source}" data-to="{arrow.target}">'
        f'<path d="{_curve(route)}"{line}/>{tip}</g>'
    )


def _curve(route: Sequence[Point]) -> str:
    """A smooth line that leaves and arrives vertically."""
    (x, y), *others = route
    parts = [f"M{x:.1f},{y:.1f}"]
    for next_x, next_y in others:
        middle = (y + next_y) / 2
        parts.append(f"C{x:.1f},{middle:.1f} {next_x:.1f},{middle:.1f} {next_x:.1f},{next_y:.1f}")
        x, y = next_x, next_y
    return "".join(parts)


def _label(arrow: DiagramArrow, place: Place) -> str:
    """What an arrow says, on a ground that hides it there."""
    left, top = place.x - place.width / 2, place.y - place.height / 2
    spans = "".join(
        f'<tspan x="{place.x:.1f}" y="{top + SMALL_LINE * number - 2:.1f}">{_text(line)}</tspan>'
        for number, line in enumerate(arrow.label, start=1)
    )
    return (
        f'<g class="label" data-from="{arrow.source}" data-to="{arrow.target}">'
        f'<rect x="{left + 2:.1f}" y="{top:.1f}" width="{place.width - 4:.1f}"'
        f' height="{place.height:.1f}"{_paint(fill="page")}/><text text-anchor="middle"'
        f' font-size="{SMALL}"{_paint(fill="faint")}>{spans}</text></g>'
    )


def _text(text: str) -> str:
    return escape(text, quote=True)
