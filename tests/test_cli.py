"""The command line: what is an option, what is an expression, and what is said about mistakes."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import ROOT, run

from autograd_cli import __version__, cli
from autograd_cli.commands.arguments import Grammar, take_apart
from autograd_cli.console import Console
from autograd_cli.errors import UsageError

COMMANDS = [row.name for row in cli.COMMANDS]
GRAMMAR = Grammar(
    "grad",
    {"--at": True, "-a": True, "--order": True, "--json": False, "--format": True, "-f": True},
    ["EXPR"],
    {"--steps": "fit"},
)


# Expressions that look like options --------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "arguments", "options"),
    [
        ("-x**2 --at x=1", ["-x**2"], [("--at", "x=1")]),
        ("--at x=1 -x**2", ["-x**2"], [("--at", "x=1")]),
        ("-1", ["-1"], []),
        ("-(x+1) -a x=1", ["-(x+1)"], [("-a", "x=1")]),
        ("--x", ["--x"], []),
        ("--x*y --json", ["--x*y"], [("--json", None)]),
        ("-x", ["-x"], []),
        ("-", ["-"], []),
        ("-- -x --at x=1", ["-x"], [("--at", "x=1")]),
        ("-- -a --at a=1", ["-a"], [("--at", "a=1")]),
        ("--at a=1 -- --at", ["--at"], [("--at", "a=1")]),
        ("x --at -x", ["x"], [("--at", "-x")]),
        ("x --at=-1", ["x"], [("--at", "-1")]),
        ("x --at=x=-1", ["x"], [("--at", "x=-1")]),
        ("x --at --1", ["x"], [("--at", "--1")]),
        ("-seed**2", ["-seed**2"], []),
    ],
)
def test_words(words: str, arguments: list[str], options: list[tuple[str, str | None]]) -> None:
    found = take_apart(words.split(), GRAMMAR)
    assert found.arguments == arguments
    assert found.options == options


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("--ordr 2 x", "no such option '--ordr'", "did you mean '--order'?"),
        ("x --ordr 2", "no such option '--ordr'", "did you mean '--order'?"),
        ("x --ordr=2", "no such option '--ordr'", "did you mean '--order'?"),
        ("--ORDER 2 x", "no such option '--ORDER'", "did you mean '--order'?"),
        ("-order 2 x", "no such option '-order'", "did you mean '--order'?"),
        ("-at x=1 x", "no such option '-at'", "did you mean '--at'?"),
        ("--foo x", "no such option '--foo'", "see agx grad --help"),
        ("x --foo", "no such option '--foo'", "see agx grad --help"),
        ("--steps 3 x", "no such option '--steps'", "it is an option of 'agx fit'"),
        ("x -z", "no such option '-z'", "see agx grad --help"),
        ("x -ax=1", "unexpected argument '-ax=1'", None),
        ("x -fcsv", "no such option '-fcsv'", "did you mean '-f csv'?"),
        ("x y", "unexpected argument 'y'", "put quotes around an expression that has spaces"),
        ("x --at", "option '--at' needs a value", "see agx grad --help"),
        ("x --at --json", "option '--at' needs a value", "see agx grad --help"),
        ("-a", "option '-a' needs a value", "if '-a' is the expression, write it after '--'"),
        ("x --json=3", "option '--json' takes no value", "write '--json' alone"),
        ("x -f=csv", "no such option '-f=csv'", "write '-f csv'"),
        ("x --at x=2 y=3", "unexpected argument 'y=3'", "put commas between them: --at x=2,y=3"),
        ("x --at x=2, y=3", "unexpected argument 'y=3'", "put commas between them: --at x=2,y=3"),
        ("--at x=2 y=3 x*y", "unexpected argument 'y=3'", "put commas between them: --at x=2,y=3"),
        ("x -f csv json", "unexpected argument 'json'", "-f takes one value, and has csv"),
    ],
)
def test_mistyped_options(words: str, message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        take_apart(words.split(), GRAMMAR)
    if hint is not None:
        assert caught.value.message == message
        assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["-x**2", "--at", "x=1"], "x\t-2.0\n"),
        (["-(x+1)", "--at", "x=1"], "x\t-1.0\n"),
        (["--x", "--at", "x=1"], "x\t1.0\n"),
        (["--", "-x", "--at", "x=1"], "x\t-1.0\n"),
        (["--at", "x=-1e-8", "-x**2"], "x\t2e-08\n"),
        (["x**2", "--at=x=-1"], "x\t-2.0\n"),
        (["x*y", "--along", "-1", "--at", "x=1,y=1"], ""),
    ],
)
def test_grad_of_what_looks_like_an_option(words: list[str], out: str) -> None:
    assert run("grad", *words).out == out


# Messages, to the letter -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["grad"],
            "error: missing EXPR\n"
            '  hint: for example: agx grad "x**2 + 2*x*y + y**2" --at x=2,y=3\n',
        ),
        (
            ["grad", "x", "--order", "two"],
            "error: --order needs a whole number of at least 1, not 'two'\n",
        ),
        (
            ["grad", "x", "--order", "0"],
            "error: --order needs a whole number of at least 1, not '0'\n",
        ),
        (
            ["grad", "x", "--precision", "99"],
            "error: --precision needs a whole number from 1 to 17, not '99'\n",
        ),
        (["grad", "x", "--seed", "1.5"], "error: --seed needs a whole number, not '1.5'\n"),
        (
            ["grad", "x", "--format", "jsn"],
            "error: unknown format 'jsn'\n"
            "  hint: did you mean 'json'?"
            " known: auto, plain, table, json, ndjson, csv, latex, markdown, parquet, arrow\n",
        ),
        (
            ["grad", "x", "--syntax", "matematica"],
            "error: unknown syntax 'matematica'\n"
            "  hint: did you mean 'mathematica'? known: agx, latex, mathematica\n",
        ),
        (
            ["grad", "x", "--color", "blue"],
            "error: unknown colour setting 'blue'\n  hint: known: auto, always, never\n",
        ),
        (
            ["grad", "x", "--dtype", "flaot32"],
            "error: unknown dtype 'flaot32'\n  hint: did you mean 'float32'?\n",
        ),
        (
            ["grad", "x", "--device", "cdua"],
            "error: unknown device 'cdua'\n  hint: did you mean 'cuda'?\n",
        ),
        (
            ["grad", "x", "--json", "-f", "csv"],
            '{"schema": "agx/1", "error": {"kind": "usage", "message": '
            '"--json and --format csv exclude each other", '
            '"hint": "leave one of them out", "span": null}}\n',
        ),
        (
            ["grad", "x", "-f", "csv", "-o", "a.json"],
            "error: --format csv contradicts the ending of 'a.json'\n"
            "  hint: leave one of them out: .json alone means json\n",
        ),
        (
            ["grad", "x", "--partial", "x", "--order", "2"],
            "error: --partial and --order exclude each other\n"
            "  hint: repeat a variable for a higher order: --partial x,x,y\n",
        ),
        (
            ["grad", "x", "--at", "x=1", "--grid", "x=0:1:3"],
            "error: 'x' has both a value in --at and an axis in --grid\n"
            "  hint: leave one of them out\n",
        ),
        (
            ["eval", "x", "--order", "2"],
            "error: no such option '--order'\n  hint: it is an option of 'agx grad'\n",
        ),
        (
            ["completion", "basch"],
            "error: unknown shell 'basch'\n  hint: did you mean 'bash'? known: bash, zsh, fish\n",
        ),
        (["--verison"], "error: no such option '--verison'\n  hint: did you mean '--version'?\n"),
        (
            ["--order", "2"],
            "error: option '--order' before the command\n"
            "  hint: options follow it: agx grad EXPR --order ...\n",
        ),
    ],
)
def test_usage_errors(words: list[str], error: str) -> None:
    found = run(*words)
    assert found.err == error
    assert found.out == ""
    assert found.code == 2


def test_a_mistyped_command() -> None:
    found = run("gard", "x")
    commands = ", ".join(COMMANDS)
    assert found.err == (
        f"error: no such command 'gard'\n  hint: did you mean 'grad'? commands: {commands}\n"
    )
    assert found.code == 2


def test_an_expression_without_a_command() -> None:
    assert run("x**2").err == (
        "error: no such command 'x**2'\n"
        "  hint: for the derivatives of an expression: agx grad 'x**2' --at ...\n"
    )
    assert run("-x**2").code == 2


# Help --------------------------------------------------------------------------------------------


def test_agx_alone_is_its_help() -> None:
    alone = run()
    assert alone == run("--help") == run("-h")
    assert alone.code == 0
    assert alone.out.startswith("Usage: agx COMMAND")
    for name in COMMANDS:
        assert f"\n  {name} " in alone.out


def test_version() -> None:
    assert run("--version").out == f"agx {__version__}\n"


def test_a_run_imports_the_command_that_it_needs_and_no_other() -> None:
    """Each imports what it shows, and together that would be most of the start."""
    program = (
        "import sys\nfrom autograd_cli import cli\ncli.main(['lesson', '-f', 'csv'])\n"
        "print(*(name for name in sys.modules if name.startswith('autograd_cli.commands.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].replace("autograd_cli.commands.", "").split())
    others = {row.place.partition(".")[0] for row in cli.COMMANDS} - {"lesson"}
    assert "lesson" in loaded
    assert not loaded & others


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_every_option_and_examples(name: str) -> None:
    found = run(name, "--help")
    assert found.code == 0
    assert found.err == ""
    assert found.out == run(name, "-h").out
    assert found.out.startswith(f"Usage: agx {name}")
    assert "\nExamples:\n  " in found.out
    assert all(len(line) <= 80 for line in found.out.splitlines())
    assert all(len(line) <= 50 for line in _wrapped(run(name, "--help", width=50).out))


def _wrapped(text: str) -> list[str]:
    """The lines that may be wrapped: neither examples nor usage."""
    lines = text.splitlines()
    return [line for line in lines if not line.startswith(("  agx ", "  eval ", "Usage: "))]


@pytest.mark.parametrize("row", cli.COMMANDS, ids=COMMANDS)
def test_every_example_runs(row: cli.Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shlex

    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("x,y,east,north\n1,2,3,4\n2,1,6,8\n")
    (tmp_path / "decay.csv").write_text("x,y\n0,3.5\n1,1.8\n2,1.1\n3,0.8\n4,0.6\n")
    for line in [*row.examples.strip().splitlines(), *cli.EXAMPLES.strip().splitlines()]:
        words = shlex.split(line.split("|")[0].split(" > ")[0], comments=True)
        if words[0] == "agx":
            found = run(*words[1:], environ={"XDG_STATE_HOME": str(tmp_path)})
            assert found.err == "", line
            assert found.code == 0, line


# Failures of all kinds ---------------------------------------------------------------------------


def failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("autograd_cli.commands.functions._all", fail)


def test_an_internal_error_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(ZeroDivisionError("by zero"), monkeypatch)
    found = run("functions")
    assert found.code == 3
    assert found.err == (
        "error: internal error: ZeroDivisionError: by zero\n"
        "  hint: this should not happen: please report it, with the output of the same command"
        " and --debug\n"
    )
    shown = run("functions", "--debug")
    assert shown.code == 3
    assert "Traceback" in shown.err
    assert shown.err.endswith(found.err)


def test_debug_shows_the_traceback_of_a_known_error_too() -> None:
    assert "Traceback" in run("grad", "(x", "--debug").err
    assert run("grad", "(x", "--debug").code == 2


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, "\n"),
        (BrokenPipeError(), 141, ""),
        (
            MemoryError(),
            3,
            "error: not enough memory\n  hint: try fewer points or smaller shapes\n",
        ),
        (
            OSError(28, "No space left on device"),
            3,
            "error: cannot write to standard output: no space left on device\n",
        ),
    ],
)
def test_failures(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(error, monkeypatch)
    found = run("functions")
    assert found.err == text
    assert found.code == code


# The console -------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "terminal", "choice", "colour"),
    [
        ({}, True, "auto", True),
        ({}, False, "auto", False),
        ({"NO_COLOR": "1"}, True, "auto", False),
        ({"NO_COLOR": ""}, True, "auto", True),
        ({"FORCE_COLOR": "1"}, False, "auto", True),
        ({"FORCE_COLOR": "0"}, False, "auto", False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, "auto", False),
        ({"CLICOLOR": "0"}, True, "auto", False),
        ({"CLICOLOR": "1"}, True, "auto", True),
        ({"CLICOLOR": "1"}, False, "auto", False),
        ({"CLICOLOR_FORCE": "1"}, False, "auto", True),
        ({"CLICOLOR_FORCE": "0"}, False, "auto", False),
        ({"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, False, "auto", True),
        ({"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, True, "auto", False),
        ({"TERM": "dumb"}, True, "auto", False),
        ({"TERM": "dumb"}, True, "always", True),
        ({"NO_COLOR": "1"}, False, "always", True),
        ({"FORCE_COLOR": "1"}, True, "never", False),
    ],
)
def test_colour(environ: dict[str, str], terminal: bool, choice: str, colour: bool) -> None:
    out = Terminal() if terminal else io.StringIO()
    console = Console.of_streams(io.StringIO(), out, io.StringIO(), environ)
    assert console.with_colour(choice).colour is colour


@pytest.mark.parametrize(
    ("encoding", "environ", "unicode"),
    [
        ("utf-8", {}, True),
        ("utf-8", {"LC_ALL": "C"}, False),
        ("utf-8", {"LC_CTYPE": "POSIX"}, False),
        ("utf-8", {"LANG": "C"}, False),
        ("utf-8", {"LC_ALL": "C.UTF-8", "LANG": "C"}, True),
        ("utf-8", {"LC_ALL": "", "LC_CTYPE": "en_US.UTF-8", "LANG": "C"}, True),
        ("ascii", {}, False),
        ("latin-1", {}, False),
        ("utf-16", {}, True),
    ],
)
def test_unicode(encoding: str, environ: dict[str, str], unicode: bool) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console.of_streams(io.StringIO(), out, io.StringIO(), environ)
    assert console.unicode is unicode


@pytest.mark.parametrize(
    ("columns", "width"), [("40", 40), ("0", 80), ("-3", 80), ("wide", 80), ("", 80), ("²", 80)]
)
def test_width(columns: str, width: int) -> None:
    environ = {"COLUMNS": columns}
    console = Console.of_streams(io.StringIO(), io.StringIO(), io.StringIO(), environ)
    assert console.width == width


def test_what_an_encoding_cannot_hold_is_escaped() -> None:
    out = io.BytesIO()
    stream = io.TextIOWrapper(out, encoding="ascii")
    console = Console.of_streams(io.StringIO(), stream, io.StringIO(), {})
    console.stdout.write("π\udcff")
    console.flush()
    assert out.getvalue() == b"\\u03c0\\udcff"


# The house ---------------------------------------------------------------------------------------


def imports(file: Path) -> set[str]:
    """The modules that a file imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("folder", ["commands", "render"])
def test_rich_is_the_terminal_s_alone_and_click_is_nobody_s(folder: str) -> None:
    for file in (ROOT / "autograd_cli" / folder).rglob("*.py"):
        modules = imports(file)
        assert file.stem.startswith("terminal") or not any(
            one.startswith("rich") for one in modules
        )
        assert not any(one.startswith("click") or "._click" in one for one in modules)
        if folder == "render":
            assert not any(one.startswith(("typer", "torch", "sympy")) for one in modules)
            assert not any(one.startswith("autograd_cli.commands") for one in modules)


# Empty -------------------------------------------------------------------------------------------


def text_options() -> list[tuple[str, str]]:
    """Every option of every command that takes a text, with the words before it."""
    found = []
    known = cli.program().commands
    tasks = [(f"fit {name}", task) for name, task in known["fit"].commands.items()]
    for name, command in [*known.items(), *tasks]:
        for one in command.params:
            if one.param_type_name == "option" and not one.is_flag and one.metavar != "TEXT":
                found += [(name, option) for option in one.opts]
    return found


@pytest.mark.parametrize(("command", "option"), text_options())
def test_an_empty_text_is_no_value(command: str, option: str) -> None:
    """None of them takes it for an option that was left out, or for a file."""
    expression = (
        [] if command.split()[0] in ("functions", "info", "completion", "lesson") else ["x"]
    )
    found = run(*command.split(), *expression, option, "")
    assert (found.code, found.out) == (2, "")
    assert run(*command.split(), *expression, f"{option}=").code == 2


@pytest.mark.parametrize("option", ["-o", "--output", "--points"])
def test_an_empty_name_says_what_is_meant(option: str) -> None:
    assert run("eval", "x", "--at", "x=1", option, "").err == (
        f"error: {option} is empty\n  hint: leave it out, or write {option} FILE\n"
    )


def test_an_empty_title_is_a_title() -> None:
    assert run("plot", "x", "--grid", "x=0:1", "--title", "", "-f", "plain").code == 0


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (["help"], ["--help"]),
        (["help", "grad"], ["grad", "--help"]),
        (["help", "fit", "curve"], ["fit", "curve", "--help"]),
        (["fit", "help"], ["fit", "--help"]),
        (["version"], ["--version"]),
        (["-V"], ["--version"]),
        (["grad", "--version"], ["--version"]),
        (["fit", "curve", "--version"], ["--version"]),
    ],
)
def test_what_is_typed_for_help_and_version_is_meant(words: list[str], same: list[str]) -> None:
    assert run(*words) == run(*same)
    assert run(*words).code == 0


def test_a_variable_may_be_called_version_or_help() -> None:
    assert run("grad", "-V", "--at", "V=2").out == "V\t-1.0\n"
    assert (
        run("grad", "help*version", "--at", "help=2,version=3").out == "help\t3.0\nversion\t2.0\n"
    )
    assert run("help", "nosuch").err.startswith("error: no such command 'nosuch'")
