"""`agx graph`: what is drawn, in every format, and what is said about mistakes."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from cli_runner import Outcome, agx, run
from golden_files import Golden

from autograd_cli.commands.graph import FORMATS
from autograd_cli.errors import columns

GOLDEN = Golden("graph")
SQUARE = ("x**2+2*x*y+y**2", "--at", "x=2,y=3")

CASES: dict[str, tuple[str, ...]] = {
    "square": SQUARE,
    "parallel": ("x*x", "--at", "x=3"),
    "steps": ("u = sin(x); v = u*x; v*detach(u) + x", "--at", "x=0.5", "--why", "x"),
    "vectors": ("sum(softplus(A@v))", "--at", "A=[[1,2,3,4],[5,6,7,8]],v=[1,1,0,1]", "--saved"),
    "second": ("exp(-x**2)", "--at", "x=0.5", "--order", "2"),
    "chain": ("+".join(["x*y"] * 30), "--at", "x=2,y=3"),
    "limited": (*SQUARE, "--depth", "1", "--hide-constants"),
    "raw": (*SQUARE, "--raw"),
    "weighted": ("v**2", "--at", "v=[1,2]", "--grad-output", "1,0"),
    "where": ("where(x>0, x**2, floor(x))*sign(x)", "--at", "x=2", "--why", "x"),
}
TEXTS = ("plain", "table", "table-120", "table-40", "table-ascii", "table-colour")
PICTURES = ("json", "dot", "mermaid", "svg", "html")
VARIANTS = [
    *((name, variant) for name in CASES for variant in TEXTS),
    *((name, variant) for name in CASES for variant in ("dot", "mermaid")),
    *((name, variant) for name in ("square", "steps", "second", "chain") for variant in PICTURES),
]


def drawn(name: str, variant: str) -> str:
    format, _, how = variant.partition("-")
    words = ["graph", *CASES[name], "--format", format]
    words += ["--color", "always"] if how == "colour" else []
    width = int(how) if how.isdecimal() else 80
    outcome = run(*words, width=width, unicode=how != "ascii")
    assert outcome.code == 0
    return outcome.out


@pytest.mark.parametrize(("name", "variant"), dict.fromkeys(VARIANTS))
def test_golden(name: str, variant: str) -> None:
    text = drawn(name, variant)
    GOLDEN.holds(name, variant, text)


def test_no_golden_file_is_left_over() -> None:
    GOLDEN.has_none_but(VARIANTS)


# The text ----------------------------------------------------------------------------------------


def test_the_reader_sees_everything_about_the_square() -> None:
    text = drawn("square", "table")
    rows = {line.split()[-6] if "Accum" in line else line: line for line in text.splitlines()}
    assert any(re.search(r"AddBackward0 +x\*\*2\+2\*x\*y\+y\*\*2 +25 +1$", row) for row in rows)
    for expected in (
        r"AddBackward0 +x\*\*2\+2\*x\*y +16 +1 +1 +1$",
        r"PowBackward0 +x\*\*2 +4 +1 +1 +1$",
        r"MulBackward0 +2\*x\*y +12 +1 +1 +1$",
        r"PowBackward0 +y\*\*2 +9 +1 +1 +1$",
        r"AccumulateGrad +x +2 +10 +4 +4$",
        r"x: 4 \(x\*\*2\) \+ 6 \(2\*x\*y\) = 10$",
        r"y: 4 \(2\*x\*y\) \+ 6 \(y\*\*2\) = 10$",
    ):
        assert re.search(expected, text, re.MULTILINE), expected


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 100, 120])
@pytest.mark.parametrize("name", CASES)
def test_nothing_is_lost_on_a_narrow_terminal(name: str, width: int) -> None:
    text = run("graph", *CASES[name], "--format", "table", width=width).out
    for line in text.splitlines():
        assert columns(line) <= width, line
    wide = run("graph", *CASES[name], "--format", "table", width=200).out
    narrow = re.sub(r"[\s│├└↓]", "", text)
    for word in re.findall(r"\w+Backward\d|AccumulateGrad|-?\d+\.\d+", wide):
        assert word in narrow, word


@pytest.mark.parametrize("name", CASES)
def test_without_unicode_all_is_ascii_and_without_colour_nothing_escapes(name: str) -> None:
    assert drawn(name, "table-ascii").isascii()
    assert run("graph", *CASES[name], "--format", "plain", unicode=False).out.isascii()
    for variant in ("plain", "table", "dot", "mermaid"):
        assert "\x1b" not in drawn(name, variant)
    assert "\x1b[" in drawn(name, "table-colour")


def test_a_shared_node_is_drawn_once() -> None:
    text = drawn("steps", "table")
    assert len(re.findall("SinBackward0", text)) == 1
    assert re.search(r"↑ n2 +u", text) is None  # u is used once with a gradient
    assert text.count("AccumulateGrad") == 1
    assert text.count("↑ n1") == 2


def test_a_ledger_names_the_step_that_is_a_term_of_its_own() -> None:
    text = run("graph", "u = x**2; sin(u) + u", "--at", "x=2").out
    assert re.search(r"^n2 u = x\*\*2: -0\.65\d* \(sin\(u\)\) \+ 1\.0 \(u\) = 0\.34", text, re.M)
    record = json.loads(run("graph", "u = x**2; sin(u) + u", "--at", "x=2", "--json").out)
    (shared,) = record["shared"].values()
    assert [one["expression"] for one in shared["contributions"]] == ["sin(u)", "u"]


def test_a_deep_graph_goes_on_in_a_tree_of_its_own() -> None:
    nested = "x"
    for function in ("sin", "cos", "exp", "tanh", "sqrt", "abs", "sigmoid", "atan", "asinh") * 3:
        nested = f"{function}({nested})"
    text = run("graph", nested, "--at", "x=1", "--format", "table", width=60).out
    for op in ("AsinhBackward0", "SigmoidBackward0", "AccumulateGrad"):
        assert op in text
    assert "↓" in text


def test_named_steps_and_control_characters_in_user_text() -> None:
    out = run("graph", "u =\tx**2;\n u*2", "--at", "x=1", "--format", "table").out
    assert "u = x**2" in out


# Folding and limits ------------------------------------------------------------------------------


def test_a_chain_folds() -> None:
    words = ("graph", "+".join(["x"] * 300), "--at", "x=1")
    text = run(*words, "-f", "table").out
    assert "⋮ AddBackward0 × 296" in text
    assert "x: 300 × 1 = 300" in text
    assert len(json.loads(run(*words, "--json").out)["nodes"]) == 300
    assert "AddBackward0 × 296" in run(*words, "-f", "dot").out


def test_a_chain_of_several_operations_folds() -> None:
    steps = "".join(f"u{i} = 2*sin({f'u{i - 1}' if i else 'x'}) + 1; " for i in range(50))
    outcome = run("graph", f"{steps}u49", "--at", "x=1")
    assert re.search(r"\((\w+, ){2}\w+\) × 47", outcome.out)


def test_the_number_of_nodes_is_limited_and_told() -> None:
    functions = ("sin", "cos", "exp", "tanh", "sqrt", "sigmoid", "atan")
    text = " * ".join(f"{name}({other}(x))" for name in functions for other in functions)
    for format in ("table", "plain"):
        out = run("graph", text, "--at", "x=1", "-f", format, "--max-nodes", "20").out
        assert "127 of 147 nodes are not shown" in " ".join(out.split())
    assert "not shown" in run("graph", text, "--at", "x=1", "-f", "svg", "--max-nodes", "20").out
    assert len(json.loads(run("graph", text, "--at", "x=1", "--json").out)["nodes"]) == 147


def test_the_depth_is_limited() -> None:
    out = drawn("limited", "table")
    assert "AccumulateGrad" not in out
    assert "5 of 8 nodes are not shown" in out
    assert "more, not shown" in out


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
def test_many_operations_without_recursion_and_within_memory(tmp_path: Path) -> None:
    file = tmp_path / "long.txt"
    file.write_text("+".join(["x"] * 20_000))
    script = (
        "import re, sys; from autograd_cli.cli import main;"
        f"code = main(['graph', '@{file}', '--at', 'x=1']);"
        # The peak that getrusage tells of begins with that of whoever started this.
        "peak = int(re.search(r'VmHWM:\\s*(\\d+) kB', open('/proc/self/status').read())[1]);"
        "sys.exit(code or peak > 1_000_000)"
    )
    outcome = _python(script)
    assert "AddBackward0 × 19996" in outcome


def _python(script: str) -> str:
    import subprocess

    from cli_runner import environment

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Files of other programs -------------------------------------------------------------------------

HOSTILE = 'u_q = x**2; u_q*x + where(x < 3, "a</script><b>", x)'


def test_json_has_the_keys_of_the_contract() -> None:
    content = json.loads(drawn("square", "json"))
    assert list(content)[:8] == [
        *("schema", "command", "expression", "at", "dtype", "device", "value", "root"),
    ]
    assert {"nodes", "edges", "leaves", "warnings"} <= set(content)
    keys = ["id", "op", "expression", "span", "name", "shape", "value", "grad"]
    assert all(list(node)[:8] == keys for node in content["nodes"])
    keys = ["from", "to", "input", "local", "contribution"]
    assert all(list(edge) == keys for edge in content["edges"])
    assert content["leaves"]["x"]["grad"] == 10.0
    assert [one["value"] for one in content["leaves"]["x"]["contributions"]] == [4.0, 6.0]


@pytest.mark.parametrize("name", CASES)
def test_svg_is_xml_and_its_text_is_text(name: str) -> None:
    text = drawn(name, "svg")
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("name", [*CASES, "medium", "wide"])
def test_nothing_in_a_picture_overlaps(name: str) -> None:
    words = PICTURED.get(name) or CASES[name]
    root = ET.fromstring(run("graph", *words, "--format", "svg").out)
    frames = [
        tuple(float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        for group in root.findall("{*}g")
        if group.attrib["class"].split()[0] in ("box", "label")
        for rect in group.findall("{*}rect")
    ]
    _, _, whole, high = map(float, root.attrib["viewBox"].split())
    for number, (x, y, width, height) in enumerate(frames):
        assert min(x, y, whole - x - width, high - y - height) >= 0
        for left, top, wide, tall in frames[:number]:
            apart = x + width <= left or left + wide <= x or y + height <= top or top + tall <= y
            assert apart


PICTURED = {
    "medium": (
        "u = sin(x*y) + exp(-x**2); v = u*tanh(y) + log(1+x**2); w = sqrt(v**2+u**2);"
        " where(w > 1, w*v, floor(w)*u) + sum(softmax(A@b))*detach(u) + (x+y)**3/(1+w)",
        *("--at", "x=0.7,y=1.3,A=[[1,2],[3,4]],b=[0.5,-1]"),
    ),
    "wide": (
        "+".join(f"a{i}*sin(b{i}*x)" for i in range(11)),
        *("--at", ",".join(f"a{i}=0.3,b{i}=0.1234567" for i in range(11)) + ",x=2"),
    ),
}


def test_what_the_user_typed_is_never_markup() -> None:
    words = ("graph", "x<3 and x>1", "--at", "x=2")
    assert run(*words, "-f", "html").code != 0  # a condition has no derivative
    words = ("graph", "where(x<3, x*2, x)", "--at", "x=2")
    for format in ("svg", "html"):
        out = run(*words, "-f", format).out
        assert "x<3" not in out
        assert "x&lt;3" in out
    assert "x#60;3" in run(*words, "-f", "mermaid").out


def test_dot_quotes_what_it_must() -> None:
    out = drawn("square", "dot")
    assert out.startswith("digraph autograd {")
    assert 'n2 -> n1 [label="local 4\\nsends 4"];' in out


def test_the_page_loads_nothing() -> None:
    out = drawn("square", "html")
    assert not re.findall(r"""(?:src|href)=["'](?!data:,)|url\(|@import|fetch|https?:""", out)
    assert "default-src &#x27;none&#x27;" in out


# Mistakes ----------------------------------------------------------------------------------------


def wrong(*words: str) -> Outcome:
    outcome = run("graph", *words)
    assert outcome.out == ""
    return outcome


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["x*y", "--at", "x=2"], 2, "no value for 'y'"),
        (["x", "--at", "x=2,z=1"], 2, "'z'"),
        (["v**2", "--at", "v=[1,2]"], 3, "--grad-output"),
        (["v**2", "--at", "v=[1,2]", "--grad-output", "1,2,3"], 3, "--grad-output"),
        (["2+3"], 2, "the expression has no variables"),
        (["x > 2", "--at", "x=1"], 3, "a condition has no derivative"),
        (["x", "--at", "x=1", "--why", "y"], 2, "'y'"),
        (["x*y", "--at", "x=1,y=2", "--wrt", "x", "--why", "y"], 2, "--wrt leaves out"),
        (["x*y", "--at", "x=1,y=2", "--order", "2"], 2, "say by which variable"),
        (["x*3", "--at", "x=1", "--order", "2"], 3, "the gradient is constant here"),
        *(
            (
                [text, "--at", "x=1,y=2", "--order", "2", "--wrt", "y"],
                3,
                "the gradient is constant here",
            )
            for text in ("x**2 + detach(y)", "x**2 + (y > 1)", "x**2 + y", "x**2 + 0*y")
        ),
        (["x", "--at", "x=1", "--order", "3"], 2, "--order needs a whole number from 1 to 2"),
        (["sum(v**2)", "--at", "v=[1,2]", "--order", "2"], 3, "is a vector of 2"),
        (["x", "--at", "x=1", "--depth", "-1"], 2, "--depth needs a whole number"),
        (["x", "--at", "x=1", "--max-nodes", "0"], 2, "--max-nodes needs a whole number"),
        (["x", "--at", "x=1", "-f", "csv"], 2, "has no format 'csv'"),
        (["x", "--at", "x=1", "-f", "latex"], 2, "has no format 'latex'"),
        (["x", "--at", "x=1", "-f", "dto"], 2, "did you mean 'dot'?"),
        (["x", "--at", "x=1", "-f", "svg", "-o", "a.html"], 2, "contradicts the ending"),
        (["x", "--at", "x=1", "-o", "a.csv"], 2, "has no format 'csv'"),
        (["x +", "--at", "x=1"], 2, "error"),
    ],
)
def test_mistakes(words: list[str], code: int, message: str) -> None:
    outcome = wrong(*words)
    assert outcome.code == code, outcome.err
    assert message in outcome.err


LETTERS = {
    "a missing value": (
        ["x*y", "--at", "x=1"],
        2,
        "error: no value for 'y'\n  x*y\n    ^\n  hint: add --at y=…\n",
    ),
    "several outputs": (
        ["v**2", "--at", "v=[1,2]"],
        3,
        "error: COMMAND needs one output, and this is a vector of 2\n  v**2\n  ^^^^\n"
        "  hint: take one element or sum(…) of it, or weigh the outputs with --grad-output\n",
    ),
    "no variables": (
        ["2+3"],
        2,
        "error: nothing to differentiate: the expression has no variables\n"
        "  hint: for its value, use agx eval\n",
    ),
    "no derivative": (
        ["1 + 5 % x", "--at", "x=2"],
        3,
        "error: torch has no derivative of mod here\n"
        "  1 + 5 % x\n      ^^^^^\n  hint: its value is there: agx eval\n",
    ),
    "an ending that contradicts": (
        ["x", "--at", "x=1", "-f", "plain", "-o", "a.json"],
        2,
        "error: --format plain contradicts the ending of 'a.json'\n"
        "  hint: leave one of them out: .json alone means json\n",
    ),
}


@pytest.mark.parametrize("case", LETTERS)
@pytest.mark.parametrize("command", ["graph", "explain"])
def test_the_words_of_mistakes(command: str, case: str) -> None:
    words, code, message = LETTERS[case]
    found = run(command, *words)
    assert (found.code, found.out) == (code, "")
    assert found.err == message.replace("COMMAND", command)


def test_formats_that_make_no_sense_name_those_that_do() -> None:
    assert f"it has: auto, {', '.join(FORMATS)}" in wrong("x", "--at", "x=1", "-f", "csv").err
    outcome = run("grad", "x", "--at", "x=1", "-f", "svg")
    assert outcome.code == 2
    assert "has no format 'svg'" in outcome.err


def test_without_igraph_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "igraph", None)
    for format in ("svg", "html"):
        outcome = wrong(*SQUARE, "-f", format)
        assert outcome.code == 3
        assert 'pip install "autograd-cli[svg]"' in outcome.err
    assert run("graph", *SQUARE, "-f", "dot").code == 0


def test_the_ending_of_the_file_is_the_format(tmp_path: Path) -> None:
    for ending, start in {
        "svg": "<svg",
        "html": "<!DOCTYPE html>",
        "dot": "digraph",
        "mmd": "flowchart",
        "json": "{",
        "txt": "node",
    }.items():
        file = tmp_path / f"graph.{ending}"
        assert run("graph", *SQUARE, "-o", str(file)).code == 0
        assert file.read_text(encoding="utf-8").startswith(start)


def test_the_same_input_gives_the_same_bytes() -> None:
    words = ("graph", "sum(tanh(A@v))", "--at", "A=randn(3,3),v=ones(3)", "--seed", "7")
    for format in ("json", "svg", "html"):
        assert run(*words, "-f", format).out == run(*words, "-f", format).out


def test_as_a_program() -> None:
    done = agx("graph", *SQUARE)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "y: 4.0 (2*x*y) + 6.0 (y**2) = 10.0"


# Where nothing is recorded -----------------------------------------------------------------------

NOTHING = {
    ("detach(x)", "x=2"): "detach(x) carries none",
    ("detach(x)*2", "x=2"): "detach(x) carries none",
    ("where(x>1, 3, 4) + detach(y)", "x=2,y=1"): "x>1, detach(y) carry none",
    ("sum(detach(v))", "v=[1,2]"): "detach(v) carries none",
    ("heaviside(x, 1) + DiracDelta(x)", "x=2"): "heaviside(x, 1), DiracDelta(x) carry none",
}


@pytest.mark.parametrize(("case", "reason"), NOTHING.items())
def test_where_nothing_is_recorded_all_commands_say_so(case: tuple[str, str], reason: str) -> None:
    """The derivative is zero, and why is said in the same words."""
    text, at = case
    warning = f"warning: no gradient flows to any variable: {reason}\n"
    for command in ("grad", "explain", "graph"):
        outcome = run(command, text, "--at", at)
        assert (outcome.code, outcome.err) == (0, warning), command
    found = json.loads(run("graph", text, "--at", at, "--json").out)
    assert (found["root"], found["nodes"], found["edges"]) == (None, [], [])
    (cut,) = found["constants"]
    assert (cut["from"], cut["expression"], cut["cut"]) == (None, text, True)
    gradient = json.loads(run("grad", text, "--at", at, "--json").out)["gradient"]
    assert {name: leaf["grad"] for name, leaf in found["leaves"].items()} == gradient


def test_an_output_that_is_cut_is_drawn_in_every_format() -> None:
    words = ("graph", "detach(x)*2", "--at", "x=2")
    assert run(*words).out.splitlines() == [
        "node   expression",
        "✂ cut  detach(x)*2 = 4.0",
        "",
        "where gradients add up",
        "x: no path leads here = 0.0",
    ]
    for format in ("dot", "mermaid", "svg", "html"):
        out = run(*words, "-f", format).out
        assert "no gradient flows" in out, format
    assert run(*words, "--raw").out == "None\n"
    assert run(*words, "--saved").out.endswith(
        "total 0 bytes in 0 tensors, 0 of them in new buffers\n"
    )
    assert run(*words, "--why", "x").out.splitlines()[-3:] == [
        "1. the output",
        "   0.0  ✂ detach(x) carries no gradient",
        "the sum is the gradient: 0.0",
    ]


def test_a_gradient_of_nothing_has_no_graph() -> None:
    outcome = run("graph", "detach(x)*2", "--at", "x=2", "--order", "2")
    assert outcome.code == 3
    assert outcome.err == (
        "error: the gradient has no graph of its own: no gradient flows to any variable:"
        " detach(x) carries none\n  detach(x)*2\n  ^^^^^^^^^^^\n"
    )
