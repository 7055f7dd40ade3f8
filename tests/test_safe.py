"""Whatever is typed, the answer is a value or an `AgxError`: never other exceptions, never code.

The text is hostile here: known exploits of `eval` and of SymPy's parsers, characters from the whole
of Unicode, mutated formulas, nesting, huge numbers. All of it comes from seeded generators
(`expressions.py`). That agx's own sources contain nothing that could run text, and that their
imports point only downward, is read from their syntax trees.
"""

from __future__ import annotations

import ast
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from expressions import ATTACKS, FORMULAS, HUGE, hostile, nested, wild

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import evaluation, gradient
from autograd_cli.errors import AgxError, DerivativeError, ShapeError, describe
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.points import read_grid, read_values
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "autograd_cli"
CONTEXT = resolve(Settings())

SLOWEST = 4  # times as long as an ordinary text of that length takes to be read
LONGEST = 2.0  # seconds for a value and a gradient, with the imports of a first use
SHORT = 2_000  # characters; longer texts may take longer


def answer(text: str, reader: Callable[[str], Any] = read) -> AgxError | None:
    """What reading says; an error that cannot be shown is no answer."""
    try:
        reader(text)
    except AgxError as caught:
        error = caught
    else:
        return None
    shown = describe(error)
    shown.encode("utf-8", "backslashreplace")
    shown.encode("ascii", "backslashreplace")
    json.dumps(error.to_dict())
    assert shown.startswith("error: ")
    assert error.message
    if error.span is not None and error.source is not None:
        assert 0 <= error.span.start <= error.span.end <= len(error.source) + 1
    return error


class Faults:
    """Texts that were answered with something else than a value or an AgxError."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.shown: list[str] = []  # the errors that are as they should be

    def add(self, text: str, error: Exception) -> None:
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}" if frame else ""
        kind = f"{type(error).__name__} in {place}"
        if kind not in self.found or len(text) < len(self.found[kind].partition(" <- ")[2]):
            self.found[kind] = f"{str(error)[:80]} <- {ascii(text)[:200]}"

    def check(self) -> None:
        assert not self.found, "\n".join(f"{kind}: {text}" for kind, text in self.found.items())


# Known exploits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ATTACKS, ids=[ascii(text)[:40] for text in ATTACKS])
def test_an_exploit_is_an_error(text: str) -> None:
    assert answer(text) is not None


@pytest.mark.parametrize("text", ATTACKS, ids=[ascii(text)[:40] for text in ATTACKS])
@pytest.mark.parametrize(
    "form", ["u = {}; u", "sin({})", "[{}]", "x + ({})", "x[{}]", "sum(x, dim={})"]
)
def test_an_exploit_inside_a_formula_is_an_error(text: str, form: str) -> None:
    assert answer(form.format(text)) is not None


AUDITED = """
import sys
sys.path.insert(0, sys.argv[1])
from expressions import ATTACKS, FORMULAS, HUGE, hostile
from autograd_cli.errors import AgxError, describe
from autograd_cli.language.points import read_grid, read_values
from autograd_cli.language.reader import read
texts = [*ATTACKS, *FORMULAS, *HUGE, *hostile(0, 5_000)]
events, reading = {}, False
def hook(event, arguments):
    if reading:
        events.setdefault(event, repr(arguments)[:80])
sys.addaudithook(hook)
reading = True
for text in texts:
    for reader in (read, read_grid, lambda text: read_values([text.lstrip("@")])):
        try:
            reader(text)
        except AgxError as error:
            describe(error)
        except ValueError:
            pass  # said by another test
found = dict(events)
compile("1", "canary", "eval")
reading = False
assert set(events) - set(found) == {"compile"}, "the hook hears nothing"
print(found)
"""


def python(program: str, *arguments: str) -> str:
    """The output of a fresh interpreter with the package on its path."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout.strip()


def test_reading_raises_no_audit_event() -> None:
    """No exec, compile, import, open, os.system: Python's own auditor hears nothing at all."""
    assert python(AUDITED, str(Path(__file__).parent)) == "{}"


# Random text --------------------------------------------------------------------------------------

CHUNKS = 12
TEXTS_IN_A_CHUNK = 9_000


def slowest(texts: Iterable[str], faults: Faults) -> float:
    """Reads all texts; how long refusing the slowest short one takes, the best of three, in units
    of what reading an ordinary text takes."""
    worst: list[tuple[float, str]] = []
    for text in texts:
        start = time.process_time()
        try:
            error = answer(text)
        except Exception as fault:
            faults.add(text, fault)
            continue
        taken = time.process_time() - start
        if error is not None and len(text) <= SHORT:
            worst.append((taken, text))
            if len(worst) > 1_000:
                worst = sorted(worst)[-3:]
    best = [reading_time(text) for _, text in sorted(worst)[-3:]]
    return max(best, default=0.0) / reading_time("x + sin(x*y) - 2**x*y + " * (SHORT // 25) + "x")


def reading_time(text: str) -> float:
    """Seconds of processor time, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        answer(text)
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("seed", range(CHUNKS))
def test_random_text_is_read_or_refused_at_once(seed: int) -> None:
    """108,000 texts in all."""
    faults = Faults()
    taken = slowest(hostile(seed, TEXTS_IN_A_CHUNK), faults)
    faults.check()
    assert taken < SLOWEST


@pytest.mark.parametrize("seed", range(3))
def test_nesting_and_chains_are_read_or_refused_at_once(seed: int) -> None:
    generator = random.Random(seed)
    faults = Faults()
    taken = slowest((nested(generator) for _ in range(500)), faults)
    faults.check()
    assert taken < SLOWEST


SLOW = (
    "x" + "\u0301\u0327" * 990 + "!",
    "x" + "\u0301" * 990 + "\u0327" * 990 + "!",
    "ﷺ" * 1_000 + "(x)",
    "a" * 1_990 + "(x)",
    "sigmoid" * 280 + "(x)",
    "x[" + "1+" * 900 + "]",
    "x[" + "9**9**" * 300 + "9]",
    "x[" + "*".join(["9" * 300] * 6) + "]",
    "sum(x, dim=" + "-" * 1_900 + "y)",
    "zeros(" + "[" * 190 + "1,",
    "#" * 1_990,
    " " * 1_990,
    "9" * 2_000,
    "0" * 1_990 + "!",
    "1_" * 990,
    "1e" + "9" * 1_990,
    "\n" * 1_990,
    ";" * 1_990,
    "torch." * 330,
    "x." * 900,
    "Piecewise(" + "(x,y)," * 300,
    "²" * 1_990,
    "u=u;" * 490,
)


@pytest.mark.parametrize("text", SLOW, ids=[ascii(text)[:20] for text in SLOW])
def test_what_could_take_long_is_refused_at_once(text: str) -> None:
    faults = Faults()
    assert slowest([text], faults) < SLOWEST
    faults.check()
    assert answer(text) is not None


@pytest.mark.parametrize("text", HUGE, ids=[ascii(text)[:24] for text in HUGE])
def test_huge_numbers_have_a_value_or_an_error_at_once(text: str) -> None:
    faults = Faults()
    calculate(text, faults)
    faults.check()


@pytest.mark.parametrize("seed", range(2))
def test_random_points_and_grids_are_read_or_refused(seed: int) -> None:
    """`--at` and `--grid` read the same language; a text beginning with @ would name a file."""
    faults = Faults()
    for text in hostile(100 + seed, 3_000):
        for form, reader in (
            ("{}", lambda text: read_values([text.lstrip("@")])),
            ("x={}", lambda text: read_values([text])),
            ("x={}:1:3", read_grid),
            ("{}", read_grid),
        ):
            try:
                answer(form.format(text), reader)
            except Exception as fault:
                faults.add(form.format(text), fault)
    faults.check()


# Random formulas, evaluated and differentiated ----------------------------------------------------

VALUES = {
    name: torch.tensor(value, dtype=torch.float64)
    for name, value in {
        "x": 0.5,
        "y": 2.0,
        "v": [1.0, 2.0, 3.0],
        "A": [[1.0, 2.0], [3.0, 4.0]],
    }.items()
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Warnings of torch are the subject of other tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class TimeIsUpError(Exception):
    """A calculation that would go on for ever."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Interrupts a Python loop after some processor time, where the system can."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise TimeIsUpError(f"no answer after {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def calculate(text: str, faults: Faults) -> bool:
    """Reads, evaluates and differentiates; True if there is a value. Faults are collected."""
    has_value = False
    try:
        with at_most(LONGEST):
            expression = read(text)
            at = {name: VALUES.get(name, VALUES["x"]) for name in expression.variables}
            result = evaluation(expression, at, CONTEXT)
            has_value = True
            json.dumps(result.to_dict())
            gradient(expression, at, CONTEXT)
    except AgxError as error:
        shown = describe(error)
        shown.encode("ascii", "backslashreplace")
        faults.shown.append(shown)
    except Exception as fault:
        faults.add(text, fault)
    return has_value


SPELLINGS = [
    spelling
    for row in FUNCTIONS.values()
    if row.family != "constructor"
    for spelling in (row.name, *row.aliases)
]


@pytest.mark.parametrize("seed", range(6))
def test_any_function_of_anything_has_a_value_or_an_error(seed: int) -> None:
    """12,000 well-formed texts without regard to sense: shapes, options, None, conditions, nan."""
    generator = random.Random(seed)
    faults = Faults()
    values = 0
    for _ in range(2_000):
        text = wild(generator, SPELLINGS)
        values += calculate(text if generator.random() < 0.5 else f"sum({text})", faults)
    faults.check()
    assert values > 200


@pytest.mark.parametrize("seed", range(4))
def test_random_text_that_can_be_read_has_a_value_or_an_error(seed: int) -> None:
    faults = Faults()
    generator = random.Random(seed)
    texts = itertools.chain(hostile(1_000 + seed, 4_000), (nested(generator) for _ in range(60)))
    for text in texts:
        calculate(text, faults)
    faults.check()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_none_is_no_operand(spelling: str) -> None:
    """`None` stands for an option or operand left out, and is an error elsewhere."""
    faults = Faults()
    for arguments in (
        "None",
        "None, None",
        "None, x",
        "x, None",
        "None, v",
        "None, A",
        "x, None, x",
    ):
        calculate(f"{spelling}({arguments})", faults)
    faults.check()


# What Python and torch say to programmers, and agx should not say to people.
INSIDES = ("NoneType", "positional argument", "<locals>", "invalid combination", " object at 0x")


def test_errors_show_nothing_of_the_program() -> None:
    faults = Faults()
    for text in ("sin(None)", "sum(None)", "mse_loss(x, None)", "clamp(None, 1, 2)", "None + 1"):
        assert not calculate(text, faults), text
    faults.check()
    assert not [shown for shown in faults.shown if any(word in shown for word in INSIDES)]


@pytest.mark.parametrize("text", FORMULAS)
def test_the_formulas_that_are_mutated_are_valid_themselves(text: str) -> None:
    """Otherwise the mutations would test little."""
    expression = read(text)
    at = {name: VALUES.get(name, VALUES["x"]) for name in expression.variables}
    try:
        gradient(expression, at, CONTEXT)
    except (ShapeError, DerivativeError):
        evaluation(expression, at, CONTEXT)  # a vector, or a condition


# The sources --------------------------------------------------------------------------------------

SOURCES = sorted(PACKAGE.rglob("*.py"))
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in SOURCES
}

RUN_TEXT = {
    "eval",
    "exec",
    "compile",
    "sympify",
    "parse_expr",
    "lambdify",
    "__import__",
    "execfile",
}


# The one place that runs text: the process of a lesson, and only what stands in the lesson's file.
# It has these two calls, once each.
RUNS_LESSONS = "lessons/child.py"
ITS_CALLS = ["compile(source, name, 'exec')", "exec(program[key], namespace)"]


@pytest.mark.parametrize("path", TREES)
def test_no_source_can_run_text(path: str) -> None:
    """Neither as a name nor as an attribute nor imported; `re.compile` and its like are no such."""
    found = ways_to_run_text(TREES[path])
    if path == RUNS_LESSONS:
        calls = [node for node in ast.walk(TREES[path]) if isinstance(node, ast.Call)]
        named = [one for one in calls if getattr(one.func, "id", "") in RUN_TEXT]
        assert sorted(map(ast.unparse, named)) == ITS_CALLS
        allowed = {(one.func.id, one.lineno) for one in named if isinstance(one.func, ast.Name)}
        allowed |= {("exec", one.lineno) for one in named}  # the mode that compile is given
        found = [one for one in found if one not in allowed]
    assert not found


def test_nothing_else_reaches_the_process_of_the_lessons() -> None:
    """It is imported nowhere, named only by what starts it, and that is given files to run."""
    assert not importers("autograd_cli.lessons.child")
    naming = {
        path
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == "autograd_cli.lessons.child"
    }
    assert naming == {"lessons/session.py"}
    starting = {
        ast.unparse(node)
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Session"
    }
    assert starting == {"Session([card.path for card in cards])", "Session([lesson.card.path])"}


def ways_to_run_text(tree: ast.AST) -> list[tuple[str, int]]:
    """Where a source names what could run text."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in RUN_TEXT:
            found.append((node.id, node.lineno))
        elif isinstance(node, ast.Attribute) and node.attr in RUN_TEXT:
            of_others = isinstance(node.value, ast.Name) and node.value.id in ("re", "torch")
            if not (node.attr == "compile" and of_others):
                found.append((node.attr, node.lineno))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found += [
                (a.name, node.lineno) for a in node.names if a.name.split(".")[-1] in RUN_TEXT
            ]
        elif isinstance(node, ast.Constant) and node.value in RUN_TEXT - {"eval", "compile"}:
            found.append((node.value, node.lineno))  # getattr(builtins, "exec")
        elif isinstance(node, ast.keyword) and node.arg == "shell":
            starts_one = isinstance(node.value, ast.Constant)  # else it is the name of a shell
            found += [("shell=", node.value.lineno)] * starts_one
    return found


DANGEROUS_MODULES = {"pickle", "marshal", "shelve", "code", "codeop", "runpy", "ctypes", "click"}


def imports(tree: ast.AST, package: str) -> set[str]:
    """Every module that a source imports, at its top or anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parts = package.split(".")
                parts = parts[: len(parts) - node.level + 1]
                module = ".".join([*parts, module]) if module else ".".join(parts)
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, (ast.Name, ast.Attribute))
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module"
        ):
            found.add(computed_name(node.args[0], tree, package))
    return found


COMPUTED = "a name that is computed"


def computed_name(name: ast.expr, tree: ast.AST, package: str) -> str:
    """What `import_module` is given: a constant of the source, or a name in one of its packages."""
    constants = {"__name__": package, "__package__": package}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            match node.targets[0], node.value:
                case ast.Name(id=target), ast.Constant(value=str(value)):
                    constants[target] = value
                case ast.Name(id=target), ast.Name(id="__name__" | "__package__"):
                    constants[target] = package
    match name:
        case ast.Constant(value=str(value)):
            return value
        case ast.Name(id=constant):
            return constants.get(constant, COMPUTED)
        case ast.JoinedStr(values=[ast.FormattedValue(value=ast.Name(id=constant)), *_]):
            return constants.get(constant, COMPUTED)
        case ast.JoinedStr(values=[ast.Constant(value=str(value)), *_]):
            return value.rstrip(".")
    return COMPUTED


def package_of(path: str) -> str:
    return ".".join(["autograd_cli", *path.split("/")[:-1]])


IMPORTS = {path: imports(tree, package_of(path)) for path, tree in TREES.items()}


def importers(module: str) -> set[str]:
    """The sources that import `module` or anything in it."""
    return {
        path
        for path, found in IMPORTS.items()
        if any(name == module or name.startswith(f"{module}.") for name in found)
    }


# From the ground up: a room may import its own floor and those below. Rooms stand at their longest
# name: what has none of its own in `engine/` would be found at "engine", which is no room.
FLOORS = (
    ("errors",),
    ("settings", "results", "collector", "interpreter", "data"),
    ("language",),
    ("engine/__init__", "engine/core"),
    ("engine/special", "engine/sampled"),
    ("engine/nodewise",),
    ("engine/derive",),
    ("engine/tape", "engine/check"),
    ("engine/descent",),
    ("engine/fit",),
    ("figures",),
    ("render", "console", "lessons", "progress"),
    ("points",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: str) -> str:
    """The room of a source, or of what is imported, as `engine/core`."""
    parts = path.removesuffix(".py").split("/")
    names = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next(name for name in names if name in FLOOR)


def source_of(name: str) -> str:
    """The source of a dotted name: a module, or that which the name is taken from."""
    path = name.replace(".", "/")
    while path:
        for file in (f"{path}.py", f"{path}/__init__.py"):
            if file.removeprefix("autograd_cli/") in TREES:
                return file.removeprefix("autograd_cli/")
        path = path.rpartition("/")[0]
    return ""


def arrows(path: str) -> set[str]:
    """The sources of the package that a source imports."""
    names = set()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {source_of(name) for name in names} - {path, "", "__init__.py"}  # the version is free


ARROWS = {path: arrows(path) for path in TREES}


@pytest.mark.parametrize("path", TREES)
def test_imports_point_only_downward(path: str) -> None:
    if path == "__init__.py":
        return
    for imported in ARROWS[path]:
        floor, below = FLOOR[room_of(path)], FLOOR[room_of(imported)]
        assert below <= floor, f"{path} imports {imported}, which stands above it"


def test_no_imports_go_round() -> None:
    """Neither at the top of a module nor inside its functions."""
    done: set[str] = set()
    for start in ARROWS:
        way, branches = [start], [iter(sorted(ARROWS[start] - done))]
        while way:
            path = next(branches[-1], None)
            if path is None:
                done.add(way.pop())
                branches.pop()
                continue
            assert path not in way, " imports ".join([*way[way.index(path) :], path])
            way.append(path)
            branches.append(iter(sorted(ARROWS[path] - done)))


def test_no_module_is_imported_by_a_name_from_outside() -> None:
    """`import_module` is given constants, or members of the package itself."""
    assert not importers(COMPUTED)


def test_errors_imports_nothing_of_the_package() -> None:
    assert not any(name.startswith("autograd_cli") for name in IMPORTS["errors.py"])


def test_only_the_terminal_knows_rich() -> None:
    allowed = {path for path in TREES if path.startswith(("render/terminal", "render/live/"))}
    assert importers("rich") <= allowed
    assert importers("rich")


def test_only_the_commands_know_typer_and_nothing_knows_click() -> None:
    allowed = {path for path in TREES if path.startswith(("commands/", "cli.py"))}
    assert importers("typer") <= allowed
    assert importers("typer")
    for module in DANGEROUS_MODULES:
        # One file tells the C library how to keep freed memory; it has no other way to.
        assert importers(module) == ({"data/memory.py"} if module == "ctypes" else set()), module


def test_the_language_knows_neither_torch_nor_numpy() -> None:
    below = ("language/", "errors.py", "results/", "results.py", "settings.py", "__init__.py")
    for module in ("torch", "numpy"):
        assert not [path for path in importers(module) if path.startswith(below)]


def test_only_the_worker_process_knows_sympy() -> None:
    allowed = ("language/symbolic/", "language/foreign")
    for module in ("sympy", "mpmath", "antlr4", "lark"):
        assert not [path for path in importers(module) if not path.startswith(allowed)]
    assert importers("sympy")


HEAVY = {
    *("torch", "sympy", "mpmath", "numpy", "rich", "typer", "click"),
    *("matplotlib", "contourpy", "plotille"),
}
LOADED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*(name for name in sys.modules if "." not in name))
"""


def loaded(*modules: str) -> set[str]:
    """The heavy modules that a fresh interpreter has loaded after importing `modules`."""
    return set(python(LOADED, *modules).split()) & HEAVY


def test_reading_loads_nothing_heavy() -> None:
    assert loaded("autograd_cli.language.reader", "autograd_cli.language.points") == set()


def test_the_command_line_starts_without_torch_and_sympy() -> None:
    commands = [
        f"autograd_cli.commands.{path.stem}"
        for path in (PACKAGE / "commands").glob("*.py")
        if path.stem != "__init__"
    ]
    assert loaded("autograd_cli.cli", "autograd_cli.render", *commands) <= {"typer"}


def test_a_parse_error_is_said_without_anything_heavy() -> None:
    program = (
        "import sys\nfrom autograd_cli.language.reader import read\n"
        "from autograd_cli.errors import AgxError, describe\n"
        "try: read('3*sigmod(x)')\n"
        "except AgxError as error: describe(error)\n"
        "print(*(m for m in sys.modules if '.' not in m))"
    )
    assert set(python(program).split()) & HEAVY == set()
