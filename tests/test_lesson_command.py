"""`agx lesson` as its learners use it: the list, one lesson, steps and questions, files, errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from chromium import chromium
from cli_runner import PROGRAM, agx, environment, run
from expressions import ATTACKS
from nbclient import NotebookClient
from terminals import Terminal

from autograd_cli.commands import reading
from autograd_cli.errors import AgxError
from autograd_cli.lessons import library
from autograd_cli.lessons.answers import agrees, value_of
from autograd_cli.lessons.card import FENCE
from autograd_cli.lessons.lesson import Code
from autograd_cli.lessons.library import cards
from autograd_cli.lessons.reader import read_lesson

CARDS = cards()
NAMES = [card.name for card in CARDS]
MINE = f"""---
title: My lesson
group: Mine
order: 1
summary: about nothing
---

The first words of it.

{FENCE}python
x = 2 + 2
print(f"x is {{x}} \\x1b[31mand no colour")
{FENCE}

{FENCE}quiz
question: What is `x` now?
answer: 2+2
checks: x
why: Two and two.
{FENCE}

The last words of it.
"""


@pytest.fixture
def home(tmp_path: Path) -> str:
    """A state directory of one's own."""
    return str(tmp_path / "state")


@pytest.fixture
def mine(tmp_path: Path) -> str:
    file = tmp_path / "mine.md"
    file.write_text(MINE, encoding="utf-8")
    return str(file)


def states(home: str) -> dict[str, str]:
    content = json.loads(Path(home, "agx", "lessons.json").read_text("utf-8"))
    assert content["schema"] == "agx/1"
    return {name: one["state"] for name, one in content["lessons"].items()}


def remembered(home: str, **lessons: str) -> dict[str, str]:
    """An environment in which lessons were begun or finished, in this order."""
    file = Path(home, "agx", "lessons.json")
    file.parent.mkdir(parents=True)
    known = {name.replace("_", "-"): {"state": state} for name, state in lessons.items()}
    file.write_text(json.dumps({"schema": "agx/1", "lessons": known}), encoding="utf-8")
    return {"XDG_STATE_HOME": home}


# The list -----------------------------------------------------------------------------------------


def test_the_list_has_a_line_each_in_groups(home: str) -> None:
    environ = remembered(home, three_ways="finished", first_gradient="begun")
    found = run("lesson", "--color", "never", terminal=True, environ=environ)
    assert (found.code, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[:6] == [
        "",
        "  First steps",
        "  ✓  three-ways           Three ways to a derivative                  5 min",
        "  …  first-gradient       A first gradient                            4 min",
        "  ·  requires-grad        requires_grad, and how it spreads           4 min",
        "",
    ]
    assert sum(line.endswith(" min") for line in lines) == len(NAMES)
    assert lines[-3].startswith(f"  1 of {len(NAMES)} finished; about ")
    assert lines[-2] == "  agx lesson next goes on with first-gradient"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_list_keeps_to_the_width(width: int, home: str) -> None:
    environ = {"XDG_STATE_HOME": home, "NO_COLOR": "1"}
    found = run("lesson", terminal=True, width=width, environ=environ)
    assert max(map(len, found.out.splitlines())) <= width
    if width == 120:  # there is room for what they are about
        assert "automatic, symbolic, numerical" in found.out


def test_the_list_without_unicode(home: str) -> None:
    environ = remembered(home, three_ways="finished", first_gradient="begun")
    found = run("lesson", "--color", "never", terminal=True, unicode=False, environ=environ)
    assert found.out.isascii()
    assert "  x  three-ways" in found.out
    assert "  ~  first-gradient" in found.out


def test_the_list_for_programs(home: str) -> None:
    environ = remembered(home, three_ways="finished")
    content = json.loads(run("lesson", "--json", environ=environ).out)
    assert list(content) == ["schema", "command", "lessons", "next", "warnings"]
    assert [one["name"] for one in content["lessons"]] == NAMES
    assert content["next"] == "first-gradient"
    assert list(content["lessons"][0].items())[:6] == [
        ("name", "three-ways"),
        ("title", "Three ways to a derivative"),
        ("group", "First steps"),
        ("minutes", 5),
        ("questions", 1),
        ("state", "finished"),
    ]
    plain = run("lesson", environ=environ).out.splitlines()
    assert len(plain) == len(NAMES)
    assert plain[0].split("\t")[:2] == ["three-ways", "Three ways to a derivative"]
    assert run("lesson", "-f", "csv", environ=environ).out.startswith("name,title,group,minutes,")


# Wrong words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("chain-rul",),
            "error: unknown lesson 'chain-rul'\n"
            "  hint: did you mean 'chain-rule'? agx lesson lists them all\n",
        ),
        (
            ("the chain rule, step by step",),
            "error: unknown lesson 'the chain rule, step by step'\n"
            "  hint: did you mean 'chain-rule'? agx lesson lists them all\n",
        ),
        (
            ("qqq",),
            "error: unknown lesson 'qqq'\n  hint: agx lesson lists them all\n",
        ),
        (
            ("nxt",),
            "error: unknown lesson 'nxt'\n  hint: did you mean 'next'? agx lesson lists them all\n",
        ),
        (
            ("serach", "leaf"),
            "error: unknown lesson 'serach'\n"
            "  hint: did you mean 'search'? agx lesson lists them all\n",
        ),
        (
            ("search",),
            "error: search for what?\n  hint: for example: agx lesson search in-place\n",
        ),
        (
            ("nan", "--step"),
            "error: --step waits for you, so it needs a terminal to read from and to write to\n"
            "  hint: leave it out: the whole lesson is printed at once\n",
        ),
        (
            ("nan", "--quiz"),
            "error: --quiz waits for you, so it needs a terminal to read from and to write to\n"
            "  hint: leave it out: the whole lesson is printed at once\n",
        ),
        (
            ("nan", "--all"),
            "error: --all runs every lesson\n  hint: leave the names out\n",
        ),
        (
            ("nan", "--file", "x.md"),
            "error: --file is a lesson of its own\n  hint: leave the names out\n",
        ),
        (
            ("--export", "x.py"),
            "error: which lesson?\n  hint: for example: agx lesson next --step --quiz\n",
        ),
        (
            ("nan", "leaf", "--export", "x.py"),
            "error: --export writes one lesson\n  hint: name the one that you want\n",
        ),
        (
            ("nan", "--export", "nan.pdf"),
            "error: --export 'nan.pdf' does not end in .py, .ipynb, .html\n"
            "  hint: for example --export nan.ipynb\n",
        ),
        (
            ("nan", "-f", "latex"),
            "error: a lesson is not shown as latex\n  hint: as one of plain, table, json, ndjson,"
            " csv; --export writes .py, .ipynb and .html\n",
        ),
    ],
)
def test_what_cannot_be_done_is_said_with_the_cure(
    words: tuple[str, ...], message: str, home: str
) -> None:
    found = run("lesson", *words, environ={"XDG_STATE_HOME": home})
    assert (found.err, found.code, found.out) == (message, 2, "")


def test_steps_are_for_the_page(home: str) -> None:
    found = run("lesson", "nan", "--step", "--json", terminal=True)
    assert found.err.startswith('{"schema": "agx/1", "error": {"kind": "usage", "message": "--step')
    assert "and not json" in found.err


@pytest.mark.parametrize("text", ATTACKS[:30])
def test_words_are_never_run(text: str, home: str) -> None:
    """Neither as the name of a lesson nor as an answer."""
    found = run("lesson", "--", text, environ={"XDG_STATE_HOME": home})
    assert found.code == 2
    assert found.err.startswith("error: unknown lesson ")
    with pytest.raises(AgxError):
        value_of(text)


def test_a_file_that_is_not_there_and_one_that_is_not_text(tmp_path: Path) -> None:
    gone = run("lesson", "--file", str(tmp_path / "gone.md"))
    assert gone.code == 3
    assert gone.err.endswith(
        f"error: cannot read '{tmp_path}/gone.md': no such file or directory\n"
    )
    (tmp_path / "bytes.md").write_bytes(b"\xff\xfe\x00")
    found = run("lesson", "--file", str(tmp_path / "bytes.md"))
    assert found.code == 3
    assert found.err.endswith("it is not UTF-8 text\n")


def test_a_file_without_front_matter_is_told_what_it_needs(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    for text in ("", "# A heading\n"):
        file.write_text(text, encoding="utf-8")
        found = run("lesson", "--file", str(file))
        assert (found.code, found.out) == (3, "")
        assert found.err == (
            "error: mine.md, line 1: a lesson begins with front matter\n"
            "  hint: a line ---, then a line each of title:, group:, order:, summary:,"
            " then a line ---\n"
        )


def test_a_file_may_come_from_any_editor(tmp_path: Path) -> None:
    """With a byte-order mark, and with carriage returns."""
    file = tmp_path / "mine.md"
    file.write_bytes(b"\xef\xbb\xbf" + MINE.replace("\n", "\r\n").encode())
    found = run("lesson", "--file", str(file))
    assert found.code == 0
    assert "x is 4" in found.out


def test_a_file_with_an_error_of_syntax_names_block_and_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text(MINE.replace("x = 2 + 2", "x = 2 +"), encoding="utf-8")
    found = run("lesson", "--file", str(file))
    assert found.code == 3
    assert found.out == ""
    assert found.err == (
        f"note: running the Python in {file}, which is not a lesson of agx's own\n"
        "error: mine.md, line 11 (block 1): invalid syntax\n  hint: it says: x = 2 +\n"
    )


# A lesson -----------------------------------------------------------------------------------------


def test_a_lesson_shows_what_it_really_printed(mine: str, home: str) -> None:
    found = run("lesson", "--file", mine, environ={"XDG_STATE_HOME": home})
    assert found.code == 0
    assert found.err == f"note: running the Python in {mine}, which is not a lesson of agx's own\n"
    assert found.out.splitlines() == [
        "",
        "  My lesson                                                                1 min",
        "",
        "  The first words of it.",
        "",
        "      x = 2 + 2",
        '      print(f"x is {x} \\x1b[31mand no colour")',
        "",
        "      │ x is 4 �[31mand no colour",
        "",
        "  The last words of it.",
        "",
    ]
    assert not Path(home).exists()  # a file of one's own is no progress


def test_a_claim_that_does_not_hold_is_exit_code_1(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text(
        MINE + f"\n{FENCE}python hidden\nassert x == 5\n{FENCE}\n\nNot reached.\n", "utf-8"
    )
    found = run("lesson", "--file", str(file))
    assert found.code == 1
    assert "Not reached" not in found.out
    assert found.out.endswith(
        "      │ line 1: assert x == 5\n      │ AssertionError\n\n"
        "  a claim of this lesson does not hold here: block 2 (line 25): not true: assert\n"
        "  x == 5\n\n"
    )
    content = json.loads(run("lesson", "--file", str(file), "--json").out)
    assert (content["ok"], [one["ok"] for one in content["blocks"]]) == (False, [True, False])
    assert content["blocks"][0]["output"] == "x is 4 \x1b[31mand no colour\n"


def test_the_first_screen_waits_for_nothing(home: str) -> None:
    """The parent imports neither torch nor SymPy, and shows prose while torch is imported."""
    program = (
        "import sys, time\n"
        "from autograd_cli.lessons import session\n"
        "def slow(self, waiting=None): print('<torch is here>', flush=True); raise SystemExit\n"
        "session.Session.start = slow\n"
        "from autograd_cli import cli\n"
        "try: cli.main(['lesson', 'chain-rule'])\n"
        "except SystemExit: pass\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment(XDG_STATE_HOME=home, PYTHONUTF8="1"),
        timeout=60,
        check=True,
    )
    before = done.stdout.partition("<torch is here>")[0]
    assert "The chain rule, step by step" in before
    assert "u = x**2" in before
    assert not set(done.stderr.split()) & {"torch", "sympy", "numpy", "matplotlib", "plotille"}


def test_a_lesson_is_remembered_and_the_next_one_follows(home: str) -> None:
    environ = {"XDG_STATE_HOME": home}
    words = ("lesson", "the-graph", "--color", "never")
    found = run(*words, terminal=True, width=72, environ=environ)
    assert (found.code, found.err) == (0, "")
    assert states(home) == {"the-graph": "finished"}
    assert found.out.endswith("  Next: agx lesson dynamic-graph\n\n")
    assert "n1 AccumulateGrad" in found.out  # agx's own table, as on a terminal
    lines = found.out.splitlines()
    assert max(len(line) for line in lines if not line.startswith("      ")) <= 72
    assert "4 of 28 · 5 min" in lines[1]
    forgotten = run("lesson", "--reset", environ=environ)
    assert (forgotten.code, forgotten.err) == (0, "forgotten: all progress\n")
    assert states(home) == {}


def test_next_goes_on_from_where_the_learner_is(home: str) -> None:
    def following(**lessons: str) -> str | None:
        folder = f"{home}/{len(list(Path(home).glob('*')))}"
        Path(folder).mkdir(parents=True)
        environ = remembered(folder, **lessons)
        answer: str | None = json.loads(run("lesson", "--json", environ=environ).out)["next"]
        return answer

    assert following() == "three-ways"
    assert following(leaf="begun") == "leaf"
    assert following(leaf="finished") == "in-place"
    assert following(three_ways="finished", leaf="begun", surface="finished") == "first-gradient"
    assert following(**{name.replace("-", "_"): "finished" for name in NAMES}) is None


def test_when_all_is_read_there_is_no_next(home: str) -> None:
    environ = remembered(home, **{name.replace("-", "_"): "finished" for name in NAMES})
    found = run("lesson", "next", environ=environ)
    assert (found.code, found.out) == (0, "")
    assert found.err == (
        f"all {len(NAMES)} lessons are finished; agx lesson --reset begins again\n"
    )
    one = run("lesson", "leaf", "--reset", environ=environ)
    assert one.err == "forgotten: leaf\n"
    assert json.loads(run("lesson", "--json", environ=environ).out)["next"] == "leaf"


@pytest.mark.parametrize(
    ("before", "ending"),
    [
        ({}, "That was the last one. agx lesson next goes on with those you have not read."),
        ({"mine": "finished"}, "That was the last one: all 2 lessons are finished."),
    ],
)
def test_the_end_of_the_last_lesson_says_what_is_left(
    before: dict[str, str],
    ending: str,
    mine: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: str,
) -> None:
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    last = MINE.replace("order: 1", "order: 2")
    Path(mine).with_name("last.md").write_text(last, encoding="utf-8")
    found = run("lesson", "last", terminal=True, width=100, environ=remembered(home, **before))
    assert (found.code, found.err) == (0, "")
    assert re.sub(r"\x1b\[[0-9;]*m", "", found.out).endswith(f"\n  {ending}\n\n")


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", '{"lessons": 3}', '{"lessons": {"a": 1}}'),
        '{"lessons": {"leaf": {"state": 7, "answers": 1e400}}}',
        pytest.param("[" * 100_000, id="deep"),
        "\x00\ufffd",
    ],
)
def test_a_spoiled_memory_is_no_memory(content: str, home: str) -> None:
    remembered(home)
    Path(home, "agx", "lessons.json").write_text(content, encoding="utf-8")
    found = run("lesson", "--json", environ={"XDG_STATE_HOME": home})
    assert json.loads(found.out)["next"] == "three-ways"


# Steps and questions ------------------------------------------------------------------------------


def test_steps_and_questions_on_a_terminal(mine: str) -> None:
    terminal = Terminal("lesson", "--file", mine, "--step", "--quiz")
    text = terminal.until("> ")
    assert "? What is x now?" in text
    assert "a number or an expression   Enter alone: show it   q: the end" in text
    assert "x is" not in text.partition("print(")[2].partition("\n")[2]  # nothing is given away
    terminal.press("5\n")
    text = terminal.until("> ")
    assert "✗ Not that. Once more, or Enter to see." in text
    terminal.press("x+1\n")
    text = terminal.until("> ")
    assert "error: an answer is a number, and 'x' has no value here" in text
    terminal.press("16/4\n")
    text = terminal.until("q: the end")
    assert "│ x is 4" in text
    assert "✓ Right: 2+2. Two and two." in text
    assert "The last words" not in text
    terminal.press(" ")
    code, rest, restored = terminal.end()
    assert (code, restored) == (0, True)
    assert "The last words" in rest
    assert "1 of 1 answered rightly." in rest


def test_what_was_typed_too_early_is_no_answer(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    first = f"{FENCE}python\nimport time\ntime.sleep(1)\n{FENCE}\n\n"
    file.write_text(MINE.replace(f"{FENCE}python", first + f"{FENCE}python", 1), encoding="utf-8")
    terminal = Terminal("lesson", "--file", str(file), "--quiz")
    terminal.until("running ...")
    terminal.press("5\n\n")
    terminal.until("q: the end")
    terminal.until("> ")
    terminal.press("4\n")
    code, rest, _ = terminal.end()
    assert code == 0
    assert "✓" in rest
    assert "✗" not in rest


def test_q_leaves_and_the_lesson_stays_begun(home: str) -> None:
    terminal = Terminal("lesson", "accumulation", "--step", XDG_STATE_HOME=home)
    terminal.until("q: the end")
    terminal.press("q")
    code, rest, restored = terminal.end()
    assert (code, restored) == (0, True)
    assert "agx lesson next goes on here" in rest
    assert states(home) == {"accumulation": "begun"}


def test_a_reader_who_leaves_early_sees_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch may be in the middle of its import in a thread when the interpreter ends."""
    monkeypatch.setitem(sys.modules, "autograd_cli.engine", None)
    reading._warm()


def test_ctrl_c_ends_a_block_that_runs_for_ever(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    source = "import os\nprint(os.getpid(), flush=True)\nwhile True:\n    pass"
    file.write_text(MINE + f"\n{FENCE}python\n{source}\n{FENCE}\n", encoding="utf-8")
    terminal = Terminal("lesson", "--file", str(file))
    terminal.until("pass")
    terminal.until("running ...")
    terminal.press("\x03")
    code, _, restored = terminal.end()
    assert (code, restored) == (130, True)


@pytest.mark.parametrize(
    ("answer", "truth", "right"),
    [
        ("4", 4.0, True),
        ("2*cos(1)", 1.0806046, True),
        ("1.081", 1.0806046, True),
        ("1.09", 1.0806046, False),
        ("[2, 4, 6]", [2.0, 4.0, 6.0], True),
        ("[2, 4]", [2.0, 4.0, 6.0], False),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]], True),
        ("[1, 2, 3, 4]", [[1, 2], [3, 4]], False),
        ("[5]", 5, True),
        ("0", 1e-8, False),
        ("inf", float("inf"), True),
        ("0", float("nan"), False),
        ("1e-8", 1e-8, True),
    ],
)
def test_an_answer_is_right_to_three_digits(answer: str, truth: object, right: bool) -> None:
    assert agrees(value_of(answer), truth) == right


# Elsewhere ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every lesson as a script and as a notebook."""
    folder = tmp_path_factory.mktemp("exported")
    for name in NAMES:
        for file in (folder / f"{name}.py", folder / f"{name}.ipynb"):
            found = run("lesson", name, "--export", str(file))
            assert (found.code, found.out, found.err) == (0, "", "")
    return folder


# Runs scripts as `python NAME.py` does, each in a process forked from one with all imports done.
SCRIPTS = """
import os, runpy, sys
import matplotlib.pyplot, sympy, torch
torch.optim.SGD([torch.zeros(1, requires_grad=True)])
for name in sys.argv[1:]:
    sys.stdout.flush()
    child = os.fork()
    if not child:
        with open(f"{name}.out", "w") as out:
            os.dup2(out.fileno(), 1)
        runpy.run_path(f"{name}.py", run_name="__main__")
        sys.stdout.flush()
        os._exit(0)  # and not the collection of all that torch has made
    print(name, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_every_lesson_is_a_script_that_runs(exported: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPTS, *NAMES],
        cwd=exported,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
        check=True,
    )
    assert dict(line.split() for line in done.stdout.splitlines()) == dict.fromkeys(NAMES, "0")
    told = (exported / "backward-or-grad.out").read_text("utf-8")
    assert re.search("^RuntimeError: .* allow_unused=True", told, re.MULTILINE)
    assert (exported / "surface-surface.png").read_bytes().startswith(b"\x89PNG")


def test_a_script_runs_as_it_is(exported: Path) -> None:
    done = subprocess.run(
        [sys.executable, "chain-rule.py"],
        cwd=exported,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
        check=True,
    )
    assert "x.grad = 1.080605" in done.stdout


# As `%reset -f` does, which would also look for garbage among all that torch has made.
CLEAR = """
for _name in [*filter(str.isidentifier, globals())]:
    if not _name.startswith("_") and _name not in ("In", "Out", "exit", "quit", "get_ipython"):
        del globals()[_name]
"""


@pytest.mark.filterwarnings("ignore")
def test_every_lesson_is_a_notebook_that_executes(exported: Path) -> None:
    """One after the other in one kernel, whose memory is cleared before each."""
    notebooks = [nbformat.read(exported / f"{name}.ipynb", as_version=4) for name in NAMES]
    for one in notebooks:
        nbformat.validate(one)
    whole = notebooks[0].copy()
    whole.cells = [
        cell
        for one in notebooks
        for cell in (nbformat.v4.new_code_cell(CLEAR), *one.cells)  # type: ignore[no-untyped-call]
    ]
    NotebookClient(whole, timeout=300, kernel_name="python3").execute()
    for one, name in zip(notebooks, NAMES, strict=True):
        raises = [
            block.raises
            for block in read_lesson(CARDS[NAMES.index(name)].path).blocks
            if isinstance(block, Code) and block.raises
        ]
        outputs = [out for cell in one.cells for out in cell.get("outputs", [])]
        assert outputs
        assert [out["ename"] for out in outputs if out["output_type"] == "error"] == raises


FIGURE = (
    MINE + f"\n{FENCE}figure f\ntitle: A figure\nline a: [1, 2], [3, 4]\n{FENCE}\n\nIt goes on.\n"
)
WHOLE = (
    FIGURE
    + f"""
{FENCE}python raises=ValueError
int("a")
{FENCE}

{FENCE}sh
# A first command.
agx grad "x**2" --at x=2
{FENCE}
"""
)


@pytest.mark.filterwarnings("ignore")
def test_a_notebook_executes(tmp_path: Path) -> None:
    """With every kind of block, and without torch, whose import would take most of the time."""
    mine, file = tmp_path / "mine.md", tmp_path / "lesson.ipynb"
    mine.write_text(WHOLE, encoding="utf-8")
    run("lesson", "--file", str(mine), "--export", str(file))
    content = nbformat.read(file, as_version=4)
    NotebookClient(content, timeout=120, kernel_name="python3").execute()
    outputs = [out for cell in content.cells for out in cell.get("outputs", [])]
    assert any("x is 4" in out.get("text", "") for out in outputs)
    assert any("image/png" in out.get("data", {}) for out in outputs)
    assert [out["ename"] for out in outputs if out["output_type"] == "error"] == ["ValueError"]


def test_a_page_is_whole_and_needs_no_network(tmp_path: Path) -> None:
    mine, file = tmp_path / "mine.md", tmp_path / "page.html"
    mine.write_text(WHOLE, encoding="utf-8")
    found = run("lesson", "--file", str(mine), "--export", str(file))
    assert found.code == 0
    page = file.read_text("utf-8")
    assert "default-src 'none'" in page
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?!data:)[^"'>]*//""", page)
    assert not re.findall(r"<(?:script|link rel=.stylesheet|iframe)", page)
    assert "x is 4" in page
    assert "ValueError: invalid literal" in page
    assert "data:image/svg+xml;base64," in page
    assert "<details><summary>" in page
    assert "<h2>Try it</h2>" in page


def test_a_page_is_silent_in_a_browser_and_cuts_nothing_off(tmp_path: Path) -> None:
    mine, file = tmp_path / "mine.md", tmp_path / "page.html"
    long = WHOLE.replace("--at x=2", "--at x=2 " + "--wrt x " * 20)
    mine.write_text(long.replace('no colour"', 'so on" + ", and so on" * 20'), encoding="utf-8")
    assert run("lesson", "--file", str(mine), "--export", str(file)).code == 0
    with chromium(tmp_path / "profile") as page:
        page.open(file)
        for scheme in ("light", "dark"):
            page.prefer(scheme)
            assert page.evaluate("[...document.images].every(one => one.naturalWidth > 100)")
            cut = "[...document.querySelectorAll('pre')].filter(e => e.scrollWidth > e.clientWidth)"
            assert page.evaluate(f"{cut}.map(e => e.textContent)") == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []
        assert [url for url in page.requests if not url.startswith("data:")] == [file.as_uri()]


def test_a_page_of_a_lesson_with_a_false_claim_is_not_written(tmp_path: Path) -> None:
    file, page = tmp_path / "mine.md", tmp_path / "page.html"
    file.write_text(MINE.replace("2 + 2", "2 / 0"), encoding="utf-8")
    found = run("lesson", "--file", str(file), "--export", str(page))
    assert found.code == 1
    assert found.err.endswith(
        "mine: a claim does not hold here: block 1 (line 11): it raised ZeroDivisionError:"
        " division by zero\n"
    )
    assert not page.exists()


def test_a_figure_is_drawn_and_written(tmp_path: Path) -> None:
    file, pictures = tmp_path / "mine.md", tmp_path / "new" / "pictures"
    file.write_text(FIGURE, encoding="utf-8")
    found = run("lesson", "--file", str(file), "--figures", str(pictures))
    assert found.code == 0
    assert "A figure\n" in found.out
    assert (pictures / "mine-f.png").read_bytes().startswith(b"\x89PNG")
    assert "written: " in found.out


@pytest.mark.parametrize(
    ("folder", "reason"), [("mine.md", "not a directory"), ("mine.md/new", "not a directory")]
)
def test_figures_that_have_no_place_are_told_before_the_lesson(
    folder: str, reason: str, mine: str
) -> None:
    place = Path(mine).parent / folder
    found = run("lesson", "--file", mine, "--figures", str(place))
    assert (found.code, found.out) == (3, "")
    assert found.err.endswith(f"error: cannot write '{place}': {reason}\n")


def test_a_file_that_is_not_run_is_not_said_to_be(mine: str, tmp_path: Path) -> None:
    found = run("lesson", "--file", mine, "--export", str(tmp_path / "mine.py"))
    assert (found.code, found.out, found.err) == (0, "", "")


def test_without_the_extra_the_lesson_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text(FIGURE, encoding="utf-8")
    for package in ("plotille", "matplotlib"):
        (tmp_path / f"{package}.py").write_text("raise ImportError\n", encoding="utf-8")
    found = agx(
        *("lesson", "--file", str(file), "--figures", str(tmp_path / "pictures")),
        PYTHONPATH=str(tmp_path),
    )
    assert found.returncode == 0
    text = " ".join(found.stdout.split())
    assert "no figure here, “A figure”: drawing in the terminal needs plotille" in text
    assert 'pip install "autograd-cli[plot]"' in text
    assert "It goes on." in text


def test_progress_that_cannot_be_kept_is_a_warning(
    mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "FOLDER", Path(mine).parent)
    (tmp_path / "file").write_text("", encoding="utf-8")
    environ = {"XDG_STATE_HOME": str(tmp_path / "file")}
    found = run("lesson", "mine", environ=environ)
    assert found.code == 0
    assert found.err == (
        f"warning: your progress could not be kept in '{tmp_path}/file/agx/lessons.json':"
        " not a directory\n"
    )


def test_all_runs_every_lesson_and_tells_those_that_broke(
    mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setattr(library, "FOLDER", Path(mine).parent)
    broken = MINE.replace("order: 1", "order: 2").replace("x = 2 + 2", "import os; os._exit(1)")
    Path(tmp_path, "broken.md").write_text(broken, encoding="utf-8")
    last = MINE.replace("order: 1", "order: 3").replace("2 + 2", "3 + 3")
    Path(tmp_path, "last.md").write_text(last, encoding="utf-8")
    found = run("lesson", "--all", environ={"XDG_STATE_HOME": home})
    assert found.code == 1
    assert [line[-14:] for line in found.out.splitlines() if "My lesson" in line] == [
        *("1 of 3 · 1 min", "2 of 3 · 1 min", "3 of 3 · 1 min"),
    ]
    assert "x is 6" in found.out
    assert found.err == (
        "3 lessons, 1 with a claim that does not hold\n"
        "  broken: block 1 (line 11): its process ended with exit code 1\n"
    )
    assert states(home) == {"mine": "finished", "broken": "begun", "last": "finished"}


def test_the_reader_of_a_pipe_may_go_away(mine: str) -> None:
    done = subprocess.run(  # its time limit is what an endless wait would meet
        ["bash", "-c", f"{' '.join(PROGRAM)} lesson --file {mine} | head -1"],
        capture_output=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stderr
