"""`agx explain` as a command: its formats against golden files, its errors, its steps."""

from __future__ import annotations

import functools
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_runner import run
from golden_files import Golden
from terminals import Terminal

from autograd_cli.errors import columns

GOLDEN = Golden("explain")
BAYDIN = "ln(x1) + x1*x2 - sin(x2)"

CASES: dict[str, tuple[str, ...]] = {
    "baydin": (BAYDIN, "--at", "x1=2,x2=5"),
    "tangents": (BAYDIN, "--at", "x1=2,x2=5", "--mode", "forward"),
    "chain": ("u = x**2; sin(u)*y", "--at", "x=2,y=-1"),
    "matrices": ("sum(A@B)", "--at", "A=[[1,2],[3,4]],B=2*eye(2)"),
    "many": ("x*x + x**3 - 2*x + softmax(v)[0]*x", "--at", "x=2,v=[1,2,3]"),
    "along": ("sum(a*v)", "--at", "a=2,v=[1,2]", "--mode", "forward", "--along", "v=[1,-1]"),
    "weights": ("v**2", "--at", "v=[1,2,3]", "--grad-output", "1,0,2"),
    "cut": ("detach(x)*y", "--at", "x=1,y=2"),
}
VARIANTS: dict[str, tuple[tuple[str, ...], int, bool]] = {
    "table": (("-f", "table"), 80, True),
    "table-120": (("-f", "table"), 120, True),
    "table-40": (("-f", "table"), 40, True),
    "ascii": (("-f", "table"), 80, False),
    "colour": (("-f", "table", "--color", "always"), 80, True),
    "plain": ((), 80, True),
    "json": (("--json",), 80, True),
    "latex": (("-f", "latex"), 80, True),
    "markdown": (("-f", "markdown"), 80, True),
}


@functools.cache
def shown(case: str, variant: str) -> str:
    options, width, unicode = VARIANTS[variant]
    found = run("explain", *CASES[case], *options, width=width, unicode=unicode)
    assert (found.code, found.err) == (0, "")
    return found.out


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, variant: str) -> None:
    text = shown(case, variant)
    GOLDEN.holds(case, variant, text)


def test_no_golden_file_is_left_over() -> None:
    GOLDEN.has_none_but(itertools.product(CASES, VARIANTS))


# How it looks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [30, 60])
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_too_long_and_no_number_is_lost(case: str, width: int) -> None:
    out = run("explain", *CASES[case], "-f", "table", width=width).out
    assert max(map(columns, out.splitlines())) <= width
    content = json.loads(shown(case, "json"))
    together = re.sub(r"\s", "", out)
    for step in content["forward"]:
        for number in re.findall(r"\d+\.\d+", str(step["value"])):
            assert f"{float(number):.6g}" in together


@pytest.mark.parametrize("case", CASES)
def test_without_unicode_all_is_ascii(case: str) -> None:
    assert shown(case, "ascii").isascii()
    assert "\x1b" not in shown(case, "ascii")
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown(case, "colour")) == shown(case, "table")


def test_no_step_reads_as_a_difference() -> None:
    """`v-1*v0` would be a difference; in formulas, the -1 is in brackets."""
    for case in CASES:
        assert not re.search(r"v-\d", shown(case, "ascii"))
        for step in json.loads(shown(case, "json"))["forward"]:
            assert not re.search(r"v-\d", step["formula"])


@pytest.mark.parametrize("case", CASES)
def test_plain_has_every_digit(case: str) -> None:
    out = shown(case, "plain")
    content = json.loads(shown(case, "json"))
    for step in content["forward"]:
        value = step["value"]
        assert (repr(value) if not isinstance(value, list) else str(value)) in out


PAGE = r"""\documentclass{article}
\usepackage[a4paper, margin=2.5cm]{geometry}
\usepackage{amsmath, amssymb}
\begin{document}
%s
\end{document}
"""
LONG = {
    "sum": "+".join(f"long_name_{i}*x" for i in range(12)),
    "nested": "sin(cos(tanh(exp(sin(cos(tanh(exp(x))))))))",
    "steps": "u = x**2; total_cost = sin(u); total_cost*exp(u) + λ*x_1",
}


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("case", LONG)
def test_latex_fits_on_a_page(case: str, mode: str, tmp_path: Path) -> None:
    if not shutil.which("pdflatex"):
        pytest.skip("LaTeX is not installed: apt-get install texlive-latex-recommended")
    names = dict.fromkeys(re.findall(r"long_name_\d+|\bx_1|λ|\bx\b", LONG[case]))
    at = ",".join(f"{name}=0.123456789" for name in names)
    out = run("explain", LONG[case], "--at", at, "--mode", mode, "-f", "latex").out
    (tmp_path / "page.tex").write_text(PAGE % out, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log
    assert "Overfull" not in log


@pytest.mark.parametrize("case", CASES)
def test_latex_is_one_align_block_that_is_well_formed(case: str) -> None:
    out = shown(case, "latex")
    assert out.startswith("\\begin{align*}\n")
    assert out.endswith("\n\\end{align*}\n")
    lines = out.splitlines()[1:-1]
    assert [line.endswith(r" \\") for line in lines] == [True] * (len(lines) - 1) + [False]
    for line in lines:
        outside = re.sub(r"\\begin\{(.?matrix)\}.*?\\end\{\1\}", "", line)
        assert outside.count("&") == 1, line
        assert line.count(r"\left") == line.count(r"\right") + line.count(r"\leftarrow"), line
        unescaped = re.sub(r"\\[{}]", "", line)
        assert unescaped.count("{") == unescaped.count("}"), line
        assert not re.search(r"\^\{[^{}]*\}\^|_\{[^{}]*\}_", line), "a double script"
    assert out.isascii()


@pytest.mark.parametrize("case", CASES)
def test_markdown_tables_have_rows_of_one_length(case: str) -> None:
    for block in shown(case, "markdown").split("\n\n"):
        if block.startswith("|"):
            cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(cells) == 1, block


def test_markdown_by_the_ending_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "trace.md"
    assert run("explain", "x**2", "--at", "x=1", "-o", str(file)).code == 0
    assert file.read_text(encoding="utf-8").startswith("`x**2` = 1\n")


def test_markup_in_an_expression_is_text() -> None:
    text = "where(x > 0 or x < -1, x, 2)"
    out = run("explain", text, "--at", "x=1", "-f", "markdown").out
    assert f"`{text}`" in out
    table = run("explain", "v[0]*v[1]", "--at", "v=[1,2]", "-f", "table").out
    assert "v[0]*v[1] = 2" in table


def test_csv_has_the_inputs_the_value_and_the_derivatives() -> None:
    out = run("explain", "x*y", "--at", "x=2,y=3", "-f", "csv").out
    assert out == "x,y,value,d_x,d_y\n2.0,3.0,6.0,3.0,2.0\n"


# Mistakes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("x*y", "--at", "x=1"), 2, "no value for 'y'"),
        (("x*[1, 2]", "--at", "x=1"), 3, "explain needs one output, and this is a vector of 2"),
        (("2*3",), 2, "nothing to differentiate: the expression has no variables"),
        (("x > 2", "--at", "x=1"), 3, "a condition has no derivative"),
        (("igamma(x)", "--at", "x=1"), 2, "unknown function 'igamma'"),
        (("x", "--at", "x=1", "--mode", "revers"), 2, "did you mean 'reverse'?"),
        (("x", "--at", "x=1", "--along", "x=1"), 2, "hint: add --mode forward"),
        (("x", "--at", "x=1", "--mode", "forward", "--along", "z=1"), 2, "'z'"),
        (("x", "--at", "x=1", "--mode", "forward", "--along", "x=[1,2]"), 3, "--along gives 'x'"),
        (("sum(x)", "--at", "x=ones(200)", "--mode", "forward"), 3, "200 passes"),
        (("x", "--at", "x=1", "-f", "json", "-o", "a.md"), 2, "contradicts the ending"),
        (("x", "--at", "x=1", "-f", "dot"), 2, "format"),
        (("v**2", "--at", "v=[1,2]", "--grad-output", "1,2,3"), 3, "--grad-output is"),
        (("x", "--at", "x=1", "--step"), 2, "leave it out: the whole explanation is printed"),
    ],
)
def test_mistakes_are_explained(words: tuple[str, ...], code: int, message: str) -> None:
    found = run("explain", *words)
    assert found.code == code, found.err
    assert message in found.err
    assert found.out == ""


def test_steps_are_for_the_table() -> None:
    found = run("explain", "x", "--at", "x=1", "--step", "--json", terminal=True)
    assert found.code == 2
    assert "--step plays the table, and not json" in found.err


# One step at a time -------------------------------------------------------------------------------


PROMPT = "q: the end"


def test_a_key_for_every_step() -> None:
    terminal = Terminal("explain", "x**2", "--at", "x=3", "--step")
    text = terminal.until(PROMPT)
    assert "x**2 = 9" in text
    assert "Forward" not in text
    terminal.press(" ")
    text = terminal.until(PROMPT)
    assert "Forward" in text
    assert "v₀" in text
    assert "v₁" not in text
    for key in ("\x1b[C", "n", "\n"):  # an arrow is one key
        terminal.press(key)
        text = terminal.until(PROMPT)
    assert "∂v₁/∂v₀ = 2*v₀" in text
    terminal.press("x")
    code, rest, restored = terminal.end()
    assert code == 0
    assert "∂f/∂x = v̄₀ = " in re.sub(r"\x1b\[[0-9;]*[mK]", "", rest)
    assert restored


def test_q_ends_the_steps() -> None:
    terminal = Terminal("explain", "x**2", "--at", "x=3", "--step")
    terminal.until(PROMPT)
    terminal.press("q")
    code, rest, restored = terminal.end()
    assert (code, restored) == (0, True)
    assert "Forward" not in rest


def test_ctrl_c_leaves_the_terminal_as_it_was() -> None:
    terminal = Terminal("explain", "x**2", "--at", "x=3", "--step")
    terminal.until(PROMPT)
    terminal.press("\x03")
    code, _, restored = terminal.end()
    assert (code, restored) == (130, True)


def test_steps_follow_the_width_of_the_terminal() -> None:
    terminal = Terminal("explain", "sin(x1)*x2", "--at", "x1=2,x2=5", "--step")
    terminal.until(PROMPT)
    terminal.press(" ")
    assert "v₋₁" in terminal.until(PROMPT)
    terminal.resize(40)
    for _ in range(6):
        terminal.press(" ")
        lines = terminal.until(PROMPT).replace("\r", "\n").split("\n")
        assert max(map(columns, lines)) <= 40
    terminal.press("q")
    assert terminal.end()[0] == 0
