"""Mermaid and DOT of many graphs: each label reads back as what is drawn.

What is written has to have the form of the language in any case. Where Graphviz, or Mermaid (found
among npm's global packages) and a browser are there, they read it as well.
"""

from __future__ import annotations

import io
import json
import random
import re
import shutil
import subprocess
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from chromium import chromium

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import point
from autograd_cli.engine.tape.recording import record
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.language.request import read_request
from autograd_cli.render.graph import dot, mermaid
from autograd_cli.render.graph.diagram import Diagram, diagram
from autograd_cli.render.graph.drawing import Drawing
from autograd_cli.render.graph.words import Words
from autograd_cli.render.style import Style
from autograd_cli.settings import Settings

STYLE = Style()
CASES = {
    "square": ("x**2+2*x*y+y**2", "x=2,y=3"),
    "keywords": (
        "end + subgraph*graph - style/click + default**2*node + edge*strict*digraph",
        "end=1,subgraph=2,graph=3,style=4,click=5,default=6,node=7,edge=8,strict=9,digraph=1",
    ),
    "comparisons": ("where((x<3) & (x>=1) | ~(x==2), x*2, x)", "x=2"),
    "comment": ("u = x**2  # a; 'square' \"quoted\" <b>\n; u + 1", "x=2"),
    "lines": ("(sin(x)\n + cos(x)\n\t* x)", "x=2"),
    "lists": ("x*1. + (- 1)*x + (+ 2)*x", "x=2"),
    "underscores": ("a_b_c**2 + _x*__y__ + a_", "a_b_c=1,_x=2,__y__=3,a_=4"),
    "scripts": ("λ² + x₁·π − 变量*mot_clé", "λ=2,x₁=3,变量=1,mot_clé=2"),
    "matrices": ("sum(A.T@v + A[0, 1:]*v[0])", "A=[[1,2],[3,4]],v=[1,2]"),
    "preview": ("sum(x*[1,2,3,4,5,6,7])", "x=randn(7)"),
    "not finite": ("log(x)*y", "x=0,y=inf"),
    "cut": ("x*detach(x)*2", "x=2"),
    "leaf": ("x", "x=2"),
    "run": ("+".join(["sin(x)*y"] * 40), "x=2,y=3"),
}


class Read(NamedTuple):
    """The labels of boxes by id, and the arrows with their labels."""

    boxes: dict[str, str]
    arrows: list[tuple[str, str, str]]


@cache
def drawing(case: str) -> Drawing:
    text, at = CASES[case]
    context = resolve(Settings())
    values = point(read_values([at]), context)
    expression = read(text, given=list(values))
    return Drawing(graph=record(expression, values, context, read_request(expression)))


def drawn(of: Drawing) -> Diagram:
    return diagram(of, Words.for_people(of.graph, STYLE))


def written(of: Drawing, writer: Any) -> str:
    out = io.StringIO()
    writer.write(of, out, STYLE)
    return out.getvalue()


def expected(of: Drawing, between: str) -> Read:
    made = drawn(of)
    return Read(
        {box.id: "\n".join(box.lines) for box in made.boxes},
        [(arrow.source, arrow.target, between.join(arrow.label)) for arrow in made.arrows],
    )


# Mermaid -----------------------------------------------------------------------------------------

LABEL = r'"((?:#\d+;|[^"#;<>`&]|<br>)*)"'
BOX = re.compile(rf"  (\w+)(?:\(\[|\[\[|\[/|\[|\(){LABEL}(?:\]\)|\]\]|/\]|\]|\))")
ARROW = re.compile(rf"  (\w+) -->(?:\|{LABEL}\|)? (\w+)")
CLASS = re.compile(r"  (classDef \w+ [\w:,#-]+|class \w+(,\w+)* \w+)")


def read_mermaid(text: str) -> Read:
    """A flowchart of the simple kind that is written; fails on any other line."""
    head, *lines = text.splitlines()
    assert head == "flowchart TD"
    found = Read({}, [])
    for line in lines:
        if box := BOX.fullmatch(line):
            found.boxes[box[1]] = _decoded(box[2])
        elif arrow := ARROW.fullmatch(line):
            found.arrows.append((arrow[1], arrow[3], _decoded(arrow[2] or "")))
        else:
            assert CLASS.fullmatch(line), line
    return found


def _decoded(label: str) -> str:
    return unescape(re.sub(r"#(\d+);", r"&#\1;", label.replace("<br>", "\n")))


@pytest.mark.parametrize("case", CASES)
def test_mermaid_reads_back(case: str) -> None:
    assert read_mermaid(written(drawing(case), mermaid)) == expected(drawing(case), ", ")


def test_mermaid_is_as_large_as_pages_draw() -> None:
    """They refuse more than 500 arrows, and more than 50,000 characters."""
    names = random.Random(1).choices(["sin", "cos", "tanh", "atan"], k=800)  # that do not repeat
    text = "; ".join(["u0 = x", *(f"u{i} = {name}(u{i - 1})" for i, name in enumerate(names, 1))])
    text += f"; u{len(names)}*u1"
    context = resolve(Settings())
    graph = record(read(text), point(read_values(["x=1"]), context), context)
    output = written(Drawing(graph=graph, most=10_000), mermaid)
    found = read_mermaid(output)
    assert len(found.arrows) <= 500
    assert len(output) <= 50_000
    hidden = int(found.boxes["note"].split()[0])
    assert found.boxes["note"] == f"{hidden} of {len(graph.nodes)} nodes are not shown"
    assert hidden > 0
    assert max(len(found.arrows) / 500, len(output) / 50_000) > 0.85  # nor much smaller


@cache
def bundle() -> Path | None:
    """Mermaid for a browser, if npm has it."""
    if not shutil.which("npm"):
        return None
    root = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, check=False)
    file = Path(root.stdout.strip()) / "mermaid" / "dist" / "mermaid.min.js"
    return file if file.is_file() else None


DRAW = """
(async () => {
  const drawn = await mermaid.render("drawn", %s);
  const page = new DOMParser().parseFromString(drawn.svg, "text/html");
  const texts = (selector) => [...page.querySelectorAll(selector)];
  return {
    boxes: texts("g.node").map((box) => [box.id, box.textContent]),
    arrows: texts(".edgePaths path").length,
    labels: texts(".edgeLabel").map((label) => label.textContent),
  };
})()
"""


def test_mermaid_draws_it(tmp_path: Path) -> None:
    script = bundle()
    if script is None:
        pytest.skip("Mermaid is not installed: npm install --global mermaid")
    file = tmp_path / "page.html"
    start = "mermaid.initialize({startOnLoad: false})"
    file.write_text(
        f'<!doctype html><meta charset="utf-8"><script src="{script.as_uri()}"></script>'
        f"<script>{start}</script>"
    )
    with chromium(tmp_path / "profile") as page:
        page.open(file)
        for case in CASES:
            found = page.evaluate(DRAW % json.dumps(written(drawing(case), mermaid)))
            wanted = expected(drawing(case), ", ")
            boxes = {name.split("-")[-2]: _dense(text) for name, text in found["boxes"]}
            assert boxes == {name: _dense(text) for name, text in wanted.boxes.items()}
            assert found["arrows"] == len(wanted.arrows)
            labels = {_dense(text) for text in found["labels"]} - {""}
            assert labels == {_dense(label) for _, _, label in wanted.arrows} - {""}
        assert page.complaints == []


def _dense(text: str) -> str:
    return "".join(text.split())


# DOT ---------------------------------------------------------------------------------------------

STRING = r'"((?:[^"\\]|\\["\\n])*)"'
NODE = re.compile(rf"  (\w+) \[[a-z]+=.*, label={STRING}\];")
EDGE = re.compile(rf"  (\w+) -> (\w+)(?: \[label={STRING}\])?;")


def read_dot(text: str) -> Read:
    """The nodes and edges of a graph as it is written; fails on any other statement."""
    head, *lines, end = text.splitlines()
    assert (head, end) == ("digraph autograd {", "}")
    found = Read({}, [])
    for line in lines:
        if edge := EDGE.fullmatch(line):
            found.arrows.append((edge[1], edge[2], _unquoted(edge[3] or "")))
        elif line.startswith(("  graph [", "  node [", "  edge [")):
            continue
        else:
            node = NODE.fullmatch(line)
            assert node, line
            found.boxes[node[1]] = _unquoted(node[2])
    return found


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda sign: "\n" if sign[1] == "n" else sign[1], text)


@pytest.mark.parametrize("case", CASES)
def test_dot_reads_back(case: str) -> None:
    assert read_dot(written(drawing(case), dot)) == expected(drawing(case), "\n")


@pytest.mark.parametrize("case", CASES)
def test_graphviz_reads_it(case: str) -> None:
    if not shutil.which("dot"):
        pytest.skip("Graphviz is not installed: apt-get install graphviz")
    text = written(drawing(case), dot)
    done = subprocess.run(
        ["dot", "-Tjson0"], input=text, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    objects = json.loads(done.stdout)["objects"]
    edges = json.loads(done.stdout).get("edges", [])
    names = [one["name"] for one in objects]
    found = Read(
        {one["name"]: _unquoted(one["label"]) for one in objects},
        [
            (names[one["tail"]], names[one["head"]], _unquoted(one.get("label", "")))
            for one in edges
        ],
    )
    wanted = expected(drawing(case), "\n")
    assert found.boxes == wanted.boxes
    assert sorted(found.arrows) == sorted(wanted.arrows)
