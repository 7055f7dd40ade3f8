"""The process of a lesson: whatever a block does, it cannot hold us, nor touch the terminal."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograd_cli.lessons.card import LessonError
from autograd_cli.lessons.lesson import Code, Lesson, Picture
from autograd_cli.lessons.performance import Performance, complaint, matches
from autograd_cli.lessons.reader import read_lesson
from autograd_cli.lessons.session import MOST_OUTPUT, Session
from autograd_cli.results.lessons import BlockRun

HEAD = "---\ntitle: A lesson\ngroup: Mine\norder: 1\nsummary: of my own\n---\n\n"
ASLEEP = 60  # seconds


# Each is a lesson of its own; what its first block prints, and the error it ends with.
BEHAVIOUR = {
    "prints": ("print('a\\tb')", "a\tb\n", ""),
    "warns": (
        "import warnings\nwarnings.warn('careful', stacklevel=1)",
        "UserWarning: careful\n",
        "",
    ),
    "escapes": ("print('\\x1b[2J\\x1b]0;title\\x07gone')", "\x1b[2J\x1b]0;title\x07gone\n", ""),
    "stdin": ("input('name? ')", "name? ", "EOFError: EOF when reading a line"),
    "terminal": (
        "open('/dev/tty')",
        "",
        "OSError: [Errno 6] No such device or address: '/dev/tty'",
    ),
    "descriptors": ("import os\nos.write(1, b'one ')\nos.write(2, b'two')", "one two", ""),
    "exits": ("raise SystemExit(3)", "", "SystemExit: 3"),
    "interrupts": ("raise KeyboardInterrupt", "", "KeyboardInterrupt"),
    "shadows": ("print = None\n__builtins__ = {}", "", ""),
    "folder": ("import os\nprint(os.listdir())", "[]\n", ""),
    "not text": ("import os\nos.write(1, b'\\xff\\n')", "\ufffd\n", ""),
    "fork": (
        "import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()\nprint('still here')",
        "still here\n",
        "",
    ),
}

# How the process of a lesson ends, if a block wants it to.
ENDS = {
    "exit": ("import os\nos._exit(7)", "its process ended with exit code 7"),
    "exit 0": ("import os\nos._exit(0)", "its process ended with exit code 0"),
    "kill": ("import os\nos.kill(os.getpid(), 9)", "its process was ended by SIGKILL"),
    "flood": ("print('x' * 1_000_000)", ""),
}


def written(folder: Path, name: str, *blocks: str, head: str = HEAD) -> Path:
    """A lesson file of these blocks."""
    file = folder / f"{name}.md"
    fences = "\n\n".join(f"```{block.strip()}\n```" for block in blocks)
    file.write_text(f"{head}Some prose.\n\n{fences}\n", encoding="utf-8")
    return file


def first_run(session: Session, lesson: Lesson, place: int = 0) -> BlockRun:
    """What the first block of a lesson does."""
    performance = Performance(lesson, session, place, lambda line: (0, ""))
    return performance.run(next(lesson.runnable()))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("lessons")
    return [
        written(folder, name.replace(" ", "-"), f"python\n{source}", "python\nx = 1\nprint(x)")
        for name, (source, *_) in [*BEHAVIOUR.items(), *ENDS.items()]
    ]


@pytest.fixture(scope="module")
def shared(files: list[Path]) -> Iterator[Session]:
    with Session(files) as session:
        yield session


@pytest.mark.parametrize("name", BEHAVIOUR)
def test_what_a_block_does_is_told_and_the_lesson_goes_on(
    name: str, files: list[Path], shared: Session
) -> None:
    _, output, error = BEHAVIOUR[name]
    place = list(BEHAVIOUR).index(name)
    lesson = read_lesson(files[place])
    performance = Performance(lesson, shared, place, lambda line: (0, ""))
    first, second = (performance.run(block) for block in lesson.runnable())
    shared.finish(place)
    assert (first.output, first.error) == (output, error)
    assert (first.broken is not None) == bool(error)
    if name != "shadows":
        assert second.output == "1\n"


def test_an_error_is_told_with_the_lines_of_the_lesson_and_no_others(
    tmp_path: Path,
) -> None:
    source = "import torch\n\ndef f(x):\n    return x.backward()\n\nf(torch.ones(2))"
    limited = f"python limit=1\nimport time\nprint('begun', flush=True)\ntime.sleep({ASLEEP})"
    lesson = read_lesson(written(tmp_path, "trace", f"python\n{source}", limited))
    code = list(lesson.runnable())
    with Session([lesson.card.path]) as session:
        performance = Performance(lesson, session, 0, lambda line: (0, ""))
        run = performance.run(code[0])
        assert run.trace == ((6, "f(torch.ones(2))"), (4, "return x.backward()"))
        assert run.error == (
            "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn"
        )
        assert str(run.broken) == f"block 1 (line 16): it raised {run.error}"
        begun = time.monotonic()
        late = performance.run(code[1])
        assert time.monotonic() - begun < ASLEEP / 4
        assert late.output == "begun\n"
        assert str(late.broken) == "block 2 (line 20): stopped after 1 s, its time limit"
        assert session.stopped
        again = performance.run(code[0])  # there is nobody to ask any more
        assert again.broken is not None


@pytest.mark.parametrize("name", ENDS)
def test_a_block_may_end_its_process_or_flood_it(
    name: str, files: list[Path], shared: Session
) -> None:
    place = len(BEHAVIOUR) + list(ENDS).index(name)
    run = first_run(shared, read_lesson(files[place]), place)
    shared.finish(place)
    assert (run.broken.what if run.broken else "") == ENDS[name][1]
    if name == "flood":
        assert len(run.output) < MOST_OUTPUT + 100
        assert run.output.endswith("... (it printed more than is shown)\n")
    assert not shared.stopped  # the other lessons go on


def test_what_is_asked_for_is_a_number_and_never_code(tmp_path: Path) -> None:
    """The pipe to the process carries block numbers; anything else ends it, and runs nothing."""
    lesson = read_lesson(written(tmp_path, "safe", "python\nprint(1)"))
    canary = tmp_path / "canary"
    with Session([lesson.card.path]) as session:
        session.start()
        stdin = session._process.stdin
        assert stdin is not None
        stdin.write(f"0 open({str(canary)!r},'w')\n".encode())
        stdin.flush()
        assert session._process.wait(20) == 1
    assert not canary.exists()


def test_the_process_is_gone_afterwards_with_all_that_it_started(tmp_path: Path) -> None:
    source = "import subprocess\nchild = subprocess.Popen(['sleep', '300'])\nprint(child.pid)"
    lesson = read_lesson(written(tmp_path, "sleep", f"python\n{source}", "python\n1"))
    with Session([lesson.card.path]) as session:
        pid = first_run(session, lesson).output.strip()
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True)
    assert state.stdout.strip()[:1] in ("", "Z")
    assert session._process.poll() is not None
    assert not os.path.exists(session._folder.name)  # noqa: PTH110


# Claims -------------------------------------------------------------------------------------------

CLAIMS = {
    "assert": ("python hidden\nassert 1 == 2", "not true: assert 1 == 2"),
    "output": ("python\nprint(3)\n```\n\n```output\n4", "it printed '3' instead of '4'"),
    "no error": ("python raises=ValueError\nx = 1", "it did not raise ValueError"),
    "other error": (
        "python raises=ValueError\n1 / 0",
        "it raised ZeroDivisionError: division by zero",
    ),
    "unexpected": (
        "python\nint('a')",
        "it raised ValueError: invalid literal for int() with base 10: 'a'",
    ),
    "no value": (
        "python\nx = 1\n```\n\n```quiz\nquestion: q?\nanswer: 1\nchecks: missing\nwhy: w",
        "it raised NameError: name 'missing' is not defined",
    ),
    "figure": (
        "figure f\nline a: [1], missing",
        "it raised NameError: name 'missing' is not defined",
    ),
    "true": ("python\nprint(1.5)\n```\n\n```output\n1...", ""),
}


def test_a_claim_that_does_not_hold_breaks_the_lesson(tmp_path: Path) -> None:
    files = [
        written(tmp_path, name.replace(" ", "-"), block) for name, (block, _) in CLAIMS.items()
    ]
    found = {}
    with Session(files) as session:
        for place, (name, file) in enumerate(zip(CLAIMS, files, strict=True)):
            run = first_run(session, read_lesson(file), place)
            session.finish(place)
            found[name] = run.broken.what if run.broken else ""
    assert found == {name: what for name, (_, what) in CLAIMS.items()}


@pytest.mark.parametrize(
    ("printed", "expected", "same"),
    [
        ("a\nb\n", "a\nb", True),
        ("a  \nb", "a\nb", True),
        ("a 1.5 b", "a ... b", True),
        ("a\nx\ny\nb", "a\n...\nb", True),
        ("a.b", "a+b", False),
        ("ab", "a", False),
        ("", "...", True),
    ],
)
def test_an_expected_output_may_leave_parts_open(printed: str, expected: str, same: bool) -> None:
    assert matches(printed, expected) == same


def test_a_command_is_held_to_its_exit_code_and_its_output(tmp_path: Path) -> None:
    text = "console code=1\n$ agx check x --at x=1\nverdict  agree"
    (commands,) = read_lesson(written(tmp_path, "c", text)).runnable()
    (command,) = commands.commands  # type: ignore[union-attr]
    assert complaint(command, 1, "the verdict\nagree") == ""
    assert complaint(command, 0, "") == "exit code 0 instead of 1: agx check x --at x=1"
    assert complaint(command, 1, "?") == (
        "the output of 'agx check x --at x=1' lacks 'verdict  agree'"
    )


# The format ---------------------------------------------------------------------------------------

FAULTS = {
    "no front matter": ("Just text.\n", "line 1: a lesson begins with front matter"),
    "a key": (HEAD.replace("group", "grupp"), "line 3: not a line of front matter: 'grupp: Mine'"),
    "a missing key": (HEAD.replace("order: 1\n", ""), "line 1: the front matter has no 'order'"),
    "an order": (HEAD.replace("1", "x"), "line 1: 'order' is a whole number, not 'x'"),
    "a kind": (HEAD + "```ruby\n1\n```\n", "line 8: unknown kind of block 'ruby'"),
    "an option": (
        HEAD + "```python hiden\n1\n```\n",
        "line 8 (block 1): unknown word 'hiden' after ```",
    ),
    "a limit": (
        HEAD + "```python limit=x\n1\n```\n",
        "line 8 (block 1): 'limit' is a number of seconds, not 'x'",
    ),
    "an output": (HEAD + "```output\n1\n```\n", "line 8: 'output' follows a python block"),
    "a quiz": (
        HEAD + "```python\n1\n```\n```quiz\nquestion: q\n```\n",
        "line 12 (block 1): the quiz has no 'answer'",
    ),
    "a program": (
        HEAD + "```console\n$ rm -rf /\n```\n",
        "line 9 (block 1): only agx is run: 'rm -rf /'",
    ),
    "a trial": (HEAD + "```sh\nls\n```\n", "line 9 (block 1): only agx is run: 'ls'"),
    "a figure": (HEAD + "```figure\n```\n", "line 8 (block 1): a figure has one name"),
    "a mark": (HEAD + "```figure f\npie: x\n```\n", "line 9 (block 1): a figure has no 'pie'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_lesson_file_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    text, message = FAULTS[name]
    file = tmp_path / "mine.md"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LessonError) as caught:
        read_lesson(file)
    assert caught.value.message == f"mine.md, {message}"
    assert caught.value.exit_code == 3


def test_a_block_that_is_not_python_is_told_before_anything_runs(tmp_path: Path) -> None:
    file = written(tmp_path, "mine", "python\nprint(1)", "python\nx = 1\nif x\n    pass")
    with Session([file]) as session, pytest.raises(LessonError) as caught:
        session.check()
    assert caught.value.message == "mine.md, line 16 (block 2): expected ':'"
    assert caught.value.hint == "it says: if x"


def test_everything_in_a_lesson_is_read(tmp_path: Path) -> None:
    blocks = (
        "python raises=ValueError limit=2.5\nint('a')\n```\n\n```output\nValueError: ...",
        "figure f\ntitle: T\nscale: log\nline a, b: x, (1, 2)\nbars: y,\n  z",
        "console code=1\n$ agx check x\ntext",
        "sh\n# Try. (exit code 2)\nagx grad",
    )
    lesson = read_lesson(written(tmp_path, "all", *blocks))
    code, picture, commands, trials = lesson.blocks[1:]
    assert isinstance(code, Code)
    assert isinstance(picture, Picture)
    assert (code.raises, code.limit, code.expected) == ("ValueError", 2.5, "ValueError: ...")
    assert picture.settings == {"title": "T", "scale": "log"}
    assert [(mark.kind, mark.label, mark.values) for mark in picture.marks] == [
        ("line", "a, b", "x, (1, 2)"),
        ("bars", "", "y, z"),
    ]
    assert [(one.text, one.code, one.expected) for one in commands.commands] == [  # type: ignore[union-attr]
        ("agx check x", 1, ("text",))
    ]
    assert [(one.text, one.comment, one.code) for one in trials.commands] == [  # type: ignore[union-attr]
        ("agx grad", "Try.", 2)
    ]
    assert lesson.trials == trials.commands  # type: ignore[union-attr]
