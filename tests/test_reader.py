"""The grammar: what a text is read as, where every part of it stands, and what errors say.

Precedence is held against Python's own parser; everything that Python does not have (`^`, Unicode,
named steps, `Piecewise`) stands in tables written by hand. Trees are written as nested tuples:
`("add", "x", 2)`. Every message of the language is tested to the letter, with its caret and hint.
"""

from __future__ import annotations

import ast
import json
import math
import random
from typing import Any

import pytest
from expressions import scramble, soup

from autograd_cli.errors import AgxError, ReadError, UnknownNameError, describe
from autograd_cli.language.expression import INDEX, LIST, NUMBER, VARIABLE, Expression
from autograd_cli.language.points import check_values
from autograd_cli.language.reader import read, read_assignments

Tree = Any  # a name, a number, or (operation, operand, ...)


def tree(expression: Expression, position: int | None = None) -> Tree:
    """The nodes under `position` (the root if it is None) as nested tuples."""
    node = expression.nodes[expression.root if position is None else position]
    if node.op in (NUMBER, VARIABLE):
        return node.value
    operands = [tree(expression, operand) for operand in node.operands]
    if node.op == INDEX:
        return ("index", *operands, _index(node.value))
    return (node.op, *operands, *([dict(node.options)] if node.options else []))


def _index(index: Any) -> tuple[Any, ...]:
    """An index without slice objects, which compare but do not hash in older Pythons."""
    return tuple(
        ("slice", item.start, item.stop, item.step) if isinstance(item, slice) else item
        for item in index
    )


def same(left: Tree, right: Tree) -> bool:
    """Equality that tells 1, 1.0 and True apart, and takes nan for nan."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return type(left) is type(right) and bool(left == right)


def spans(text: str) -> dict[str, str]:
    """The text of every node's span, by the operation (the last one of its kind counts)."""
    expression = read(text)
    return {node.op: expression.text(i) for i, node in enumerate(expression.nodes)}


# Against Python's parser --------------------------------------------------------------------------

_BINARY: dict[type, str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "mod",
    ast.MatMult: "matmul",
    ast.Pow: "pow",
    ast.BitAnd: "logical_and",
    ast.BitOr: "logical_or",
    ast.And: "logical_and",
    ast.Or: "logical_or",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.USub: "neg",
    ast.Not: "logical_not",
    ast.Invert: "logical_not",
}


class NotInTheLanguageError(Exception):
    """Python has a meaning for it, agx has none."""


def python_tree(text: str) -> Tree:
    """The tree of Python's parser. `a < b < c` means `a < b and b < c`, by Python's definition."""
    return _from_ast(ast.parse(text, mode="eval").body)


def python_tree_or_none(text: str) -> Tree | None:
    """None if Python does not read it, or agx has no meaning for it."""
    try:
        return python_tree(text)
    except (SyntaxError, NotInTheLanguageError):
        return None


def refuses(text: str) -> bool:
    try:
        read(text)
    except AgxError:
        return True
    return False


def _from_ast(node: ast.AST) -> Tree:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return node.id
        case ast.UnaryOp(op=ast.UAdd()):
            return _from_ast(node.operand)
        case ast.UnaryOp():
            return (_BINARY[type(node.op)], _from_ast(node.operand))
        case ast.BinOp():
            return (_BINARY[type(node.op)], _from_ast(node.left), _from_ast(node.right))
        case ast.BoolOp():
            found = _from_ast(node.values[0])
            for value in node.values[1:]:
                found = (_BINARY[type(node.op)], found, _from_ast(value))
            return found
        case ast.Compare():
            terms = [_from_ast(term) for term in (node.left, *node.comparators)]
            pairs = [
                (_BINARY[type(op)], left, right)
                for op, left, right in zip(node.ops, terms, terms[1:], strict=False)
            ]
            found = pairs[0]
            for pair in pairs[1:]:
                found = ("logical_and", found, pair)
            return found
        case ast.List() if node.elts:
            return (LIST, *map(_from_ast, node.elts))
        case ast.Attribute(attr="T"):
            return ("transpose", _from_ast(node.value))
        case ast.Call(func=ast.Name(id="sin"), args=[argument]):
            return ("sin", _from_ast(argument))
        case ast.Subscript():
            index = ast.literal_eval(_literal_index(node.slice))
            return ("index", _from_ast(node.value), index if type(index) is tuple else (index,))
    raise NotInTheLanguageError(ast.dump(node))


def _literal_index(node: ast.expr) -> ast.expr:
    """The index with every slice as a tuple ("slice", start, stop, step), always as a tuple."""
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    none = ast.Constant(None)
    return ast.Tuple(
        [
            ast.Tuple(
                [ast.Constant("slice"), item.lower or none, item.upper or none, item.step or none],
                ast.Load(),
            )
            if isinstance(item, ast.Slice)
            else item
            for item in items
        ],
        ast.Load(),
    )


@pytest.mark.parametrize("seed", range(6))
def test_precedence_is_that_of_python(seed: int) -> None:
    """3,000 random soups of operators: the same tree as Python's, and with `^` for `**` as well."""
    generator = random.Random(seed)
    readable = 0
    while readable < 500:
        text = soup(generator)
        expected = python_tree_or_none(text)
        if expected is None:
            assert refuses(text), f"Python does not read {text!r}"
            continue
        readable += 1
        found = tree(read(text))
        assert same(found, expected), f"{text!r}\n{found}\nin Python\n{expected}"
        assert same(tree(read(text.replace("**", "^"))), expected), text


@pytest.mark.parametrize("seed", range(6))
def test_every_span_reads_as_its_own_node(seed: int) -> None:
    """Python's parser reads the text of a node's span as just that node: nothing more, or less."""
    generator = random.Random(f"spans {seed}")
    for _ in range(100):
        text = soup(generator)
        if python_tree_or_none(text) is None:
            continue
        expression = read(text)
        for position in range(len(expression.nodes)):
            part = expression.text(position)
            assert part == part.strip(), f"{part!r} in {text!r}"
            assert same(python_tree(part), tree(expression, position)), f"{part!r} in {text!r}"


@pytest.mark.parametrize("seed", range(4))
def test_what_python_cannot_read_is_an_error(seed: int) -> None:
    """8,000 random sequences of tokens: read if and only if Python reads them (calls aside)."""
    generator = random.Random(f"scrambled {seed}")
    readable = 0
    for _ in range(2_000):
        text = scramble(generator)
        expected = python_tree_or_none(text)
        if expected is None:
            assert refuses(text), f"Python does not read {text!r}"
        else:
            readable += 1
            assert same(tree(read(text)), expected), text
    assert readable > 40


PRECEDENCE = (
    ("x^2+1", ("add", ("pow", "x", 2), 1)),
    ("2^3^2", ("pow", 2, ("pow", 3, 2))),
    ("-x^2", ("neg", ("pow", "x", 2))),
    ("-x**2", ("neg", ("pow", "x", 2))),
    ("2^-x", ("pow", 2, ("neg", "x"))),
    ("2**-x**2", ("pow", 2, ("neg", ("pow", "x", 2)))),
    ("2**-x*3", ("mul", ("pow", 2, ("neg", "x")), 3)),
    ("a/b/c", ("div", ("div", "a", "b"), "c")),
    ("a/b*c", ("mul", ("div", "a", "b"), "c")),
    ("a-b-c", ("sub", ("sub", "a", "b"), "c")),
    ("a-b+c", ("add", ("sub", "a", "b"), "c")),
    ("a*b%c@d", ("matmul", ("mod", ("mul", "a", "b"), "c"), "d")),
    ("a+b*c", ("add", "a", ("mul", "b", "c"))),
    ("(a+b)*c", ("mul", ("add", "a", "b"), "c")),
    ("a < b + c", ("lt", "a", ("add", "b", "c"))),
    ("a < b < c", ("logical_and", ("lt", "a", "b"), ("lt", "b", "c"))),
    (
        "a < b <= c != d",
        ("logical_and", ("logical_and", ("lt", "a", "b"), ("le", "b", "c")), ("ne", "c", "d")),
    ),
    ("(a < b) < c", ("lt", ("lt", "a", "b"), "c")),
    ("a < (b < c)", ("lt", "a", ("lt", "b", "c"))),
    ("not a and b", ("logical_and", ("logical_not", "a"), "b")),
    ("not a < b", ("logical_not", ("lt", "a", "b"))),
    ("a or b and c", ("logical_or", "a", ("logical_and", "b", "c"))),
    ("a and not b or c", ("logical_or", ("logical_and", "a", ("logical_not", "b")), "c")),
    ("(a > 0) & (b > 0)", ("logical_and", ("gt", "a", 0), ("gt", "b", 0))),
    ("(a > 0) | ~(b > 0)", ("logical_or", ("gt", "a", 0), ("logical_not", ("gt", "b", 0)))),
    ("+x", "x"),
    ("-+-x", ("neg", ("neg", "x"))),
    ("a - -b", ("sub", "a", ("neg", "b"))),
    ("-x[0]", ("neg", ("index", "x", (0,)))),
    ("-A.T", ("neg", ("transpose", "A"))),
    ("x**y.T", ("pow", "x", ("transpose", "y"))),
    ("x[0]**2", ("pow", ("index", "x", (0,)), 2)),
    ("((((x))))", "x"),
    ("1e3", 1000.0),
    ("1E-3", 0.001),
    (".5", 0.5),
    ("5.", 5.0),
    ("1_000", 1000),
    ("1_0.0_1", 10.01),
    ("007", 7),
    ("2**63", ("pow", 2, 63)),
    ("9223372036854775808", 9223372036854775808),
    ("123456789012345678901234567890", 123456789012345678901234567890),
    ("0" * 5000 + "7", 7),
    ("1e-400", 0.0),
)


@pytest.mark.parametrize(("text", "expected"), PRECEDENCE, ids=[row[0][:30] for row in PRECEDENCE])
def test_operators_and_numbers(text: str, expected: Tree) -> None:
    assert same(tree(read(text)), expected)


UNICODE = (
    ("π", math.pi),
    ("2·x", ("mul", 2, "x")),
    ("2×x", ("mul", 2, "x")),
    ("2⋅x∙y•z∗w", ("mul", ("mul", ("mul", ("mul", 2, "x"), "y"), "z"), "w")),
    ("x − y", ("sub", "x", "y")),
    ("x – y", ("sub", "x", "y")),
    ("−x", ("neg", "x")),
    ("x÷y", ("div", "x", "y")),
    ("x∕y⁄z", ("div", ("div", "x", "y"), "z")),
    ("x²", ("pow", "x", 2)),
    ("x⁻¹", ("pow", "x", -1)),
    ("x⁺²", ("pow", "x", 2)),
    ("x¹²", ("pow", "x", 12)),
    ("x²³", ("pow", "x", 23)),
    ("-x²", ("neg", ("pow", "x", 2))),
    ("2**x²", ("pow", 2, ("pow", "x", 2))),
    ("x²**y", ("pow", ("pow", "x", 2), "y")),
    ("(x + y)²", ("pow", ("add", "x", "y"), 2)),
    ("x[0]²", ("pow", ("index", "x", (0,)), 2)),
    ("sin(x)²", ("pow", ("sin", "x"), 2)),
    ("x₁", "x1"),
    ("x₁²", ("pow", "x1", 2)),
    ("x₁ + x1", ("add", "x1", "x1")),
    ("x ≤ y", ("le", "x", "y")),
    ("x ⩽ y", ("le", "x", "y")),
    ("x ≥ y", ("ge", "x", "y")),
    ("x ≠ y", ("ne", "x", "y")),
    ("a ∧ ¬b ∨ c", ("logical_or", ("logical_and", "a", ("logical_not", "b")), "c")),
    ("∞", math.inf),
    ("-∞", ("neg", math.inf)),
    ("x < ∞", ("lt", "x", math.inf)),
    ("√x", ("sqrt", "x")),
    ("√2*x", ("mul", ("sqrt", 2), "x")),
    ("√(x+1)", ("sqrt", ("add", "x", 1))),
    ("2*√x + 1", ("add", ("mul", 2, ("sqrt", "x")), 1)),
    ("√√x", ("sqrt", ("sqrt", "x"))),
    ("√-x", ("sqrt", ("neg", "x"))),
    ("-√x", ("neg", ("sqrt", "x"))),
    ("∛x", ("cbrt", "x")),
    ("√sin(x)", ("sqrt", ("sin", "x"))),
    ("λ*α + β", ("add", ("mul", "λ", "α"), "β")),
    ("ẋ + θ̂", ("add", "ẋ", "θ̂")),
    ("e\u0301", "é"),
    ("变量 + переменная", ("add", "变量", "переменная")),
    ("ｘ＋ｙ", ("add", "x", "y")),
    ("（x）", "x"),
    ("x＝2；x", 2),
    ("[x， y]", (LIST, "x", "y")),
    ("x\u00a0+\u2009y", ("add", "x", "y")),
    ("𝑥 + 𝐲", ("add", "x", "y")),
    ("\tx\r\n", "x"),
)


@pytest.mark.parametrize(("text", "expected"), UNICODE, ids=[ascii(row[0]) for row in UNICODE])
def test_unicode_as_people_paste_it(text: str, expected: Tree) -> None:
    assert same(tree(read(text)), expected)


STEPS = (
    ("u = x**2; sin(u)", ("sin", ("pow", "x", 2))),
    ("u=x;v=u+1;v*u", ("mul", ("add", "x", 1), "x")),
    ("u = x\nv = u*2\nv", ("mul", "x", 2)),
    ("u = x; u", "x"),
    ("u = 2; x**u", ("pow", "x", 2)),
    ("\n\n;; u = x ;\n; u;;\n", "x"),
    ("pi = 3; pi*x", ("mul", 3, "x")),
    ("E = x; E**2", ("pow", "x", 2)),
    ("sin = x; sin + 1", ("add", "x", 1)),
    ("sin = x; sin(sin)", ("sin", "x")),
    ("λ = 2; λ*x", ("mul", 2, "x")),
    ("x₁ = y; x1", "y"),
    ("u = (x\n+ y)\nu", ("add", "x", "y")),
    ("u =\nx\nu", "x"),
    ("x +\ny", ("add", "x", "y")),
    ("x*\n\n(y\n)", ("mul", "x", "y")),
    ("[x,\n y\n]", (LIST, "x", "y")),
    ("sin(\nx\n)", ("sin", "x")),
    ("(sin\n(x))", ("sin", "x")),
    ("[sum(x, dim\n=\n0)]", (LIST, ("sum", "x", {"dim": 0, "keepdim": False}))),
    ("A[...\n, 0]", ("index", "A", (..., 0))),
    ("A[1\n:\n2\n,\n0]", ("index", "A", (("slice", 1, 2, None), 0))),
    ("(torch\n.\nsin(x))", ("sin", "x")),
    ("(A\n.T)", ("transpose", "A")),
    ("x # a comment", "x"),
    ("# a title\nx + 1 # the end", ("add", "x", 1)),
    ("u = x # = 2; u = 3\nu # ²", "x"),
    ("(x # inside )\n)", "x"),
    ("x # ; y", "x"),
    ("x#", "x"),
)


@pytest.mark.parametrize(("text", "expected"), STEPS, ids=[row[0] for row in STEPS])
def test_named_steps_newlines_and_comments(text: str, expected: Tree) -> None:
    assert same(tree(read(text)), expected)


def test_a_step_is_one_node_with_a_name() -> None:
    expression = read("u = x**2; v = sin(u); v + u*v")
    assert [node.op for node in expression.nodes] == [
        *("variable", "number", "pow", "sin", "mul", "add"),
    ]
    assert expression.steps == {2: "u", 3: "v"}
    assert expression.nodes[expression.root].operands == (3, 4)
    assert expression.warnings == ()


def test_a_step_that_nobody_uses_is_dropped_with_a_warning() -> None:
    expression = read("u = x**2; v = sin(u) + y; u")
    assert same(tree(expression), ("pow", "x", 2))
    assert list(expression.variables) == ["x"]
    assert expression.warnings == ("the step 'v' is not used",)


def test_a_variable_is_one_node_in_order_of_appearance() -> None:
    expression = read("b*a + b*c + a")
    assert [node.value for node in expression.nodes if node.op == VARIABLE] == ["b", "a", "c"]
    assert list(expression.variables) == ["b", "a", "c"]


CALLS = (
    ("Max(a, b)", ("maximum", "a", "b")),
    ("Max(a, b, c)", ("maximum", ("maximum", "a", "b"), "c")),
    ("Min(a, b, c, d)", ("minimum", ("minimum", ("minimum", "a", "b"), "c"), "d")),
    ("max(a, b, c)", ("maximum", ("maximum", "a", "b"), "c")),
    ("maximum(a, b, c)", ("maximum", ("maximum", "a", "b"), "c")),
    ("max(a)", ("max", "a", {"keepdim": False})),
    ("max(a, dim=1)", ("max", "a", {"dim": 1, "keepdim": False})),
    ("log(x)", ("log", "x")),
    ("log(x, 2)", ("log_base", "x", 2)),
    ("log(x, base)", ("log_base", "x", "base")),
    ("log(x, base=2)", ("log_base", "x", 2)),
    ("ln(x)", ("log", "x")),
    ("arcsin(x)", ("asin", "x")),
    ("Abs(x)", ("abs", "x")),
    ("mm(A, B)", ("matmul", "A", "B")),
    ("Pow(x, 2)", ("pow", "x", 2)),
    ("torch.sin(x)", ("sin", "x")),
    ("np.pi*x", ("mul", math.pi, "x")),
    ("math.e", math.e),
    ("numpy.inf", math.inf),
    ("torch.nn.functional.relu(x)", ("relu", "x")),
    ("F.mse_loss(x, y)", ("mse_loss", "x", "y", {"reduction": "mean"})),
    ("torch.special.erf(x)", ("erf", "x")),
    ("torch.linalg.norm(x)", ("norm", "x", {"keepdim": False})),
    ("sp.Max(x, y)", ("maximum", "x", "y")),
    ("np . sin ( x )", ("sin", "x")),
    ("sum(x)", ("sum", "x", {"keepdim": False})),
    ("sum(x, 0)", ("sum", "x", {"dim": 0, "keepdim": False})),
    ("sum(x, dim=0)", ("sum", "x", {"dim": 0, "keepdim": False})),
    ("sum(x, axis=0)", ("sum", "x", {"dim": 0, "keepdim": False})),
    ("sum(x, axis=0, keepdims=True)", ("sum", "x", {"dim": 0, "keepdim": True})),
    ("sum(x, keepdim=True, dim=1)", ("sum", "x", {"dim": 1, "keepdim": True})),
    ("sum(x, dim=[0, 1])", ("sum", "x", {"dim": (0, 1), "keepdim": False})),
    ("sum(x, dim=(0, -1))", ("sum", "x", {"dim": (0, -1), "keepdim": False})),
    ("sum(x, dim=-1)", ("sum", "x", {"dim": -1, "keepdim": False})),
    ("sum(x, dim=2*3 - 5)", ("sum", "x", {"dim": 1, "keepdim": False})),
    ("sum(x, dim=None)", ("sum", "x", {"dim": None, "keepdim": False})),
    ("sum(x=y)", ("sum", "y", {"keepdim": False})),
    ("sum(x,)", ("sum", "x", {"keepdim": False})),
    ("var(x, ddof=0)", ("var", "x", {"correction": 0, "keepdim": False})),
    ("std(x, axis=0, ddof=0)", ("std", "x", {"dim": 0, "correction": 0, "keepdim": False})),
    ("norm(A, fro)", ("norm", "A", {"ord": "fro", "keepdim": False})),
    ("norm(A, ord=nuc)", ("norm", "A", {"ord": "nuc", "keepdim": False})),
    ("norm(x, inf)", ("norm", "x", {"ord": math.inf, "keepdim": False})),
    ("norm(x, -oo)", ("norm", "x", {"ord": -math.inf, "keepdim": False})),
    ("mse_loss(x, y, reduction=sum)", ("mse_loss", "x", "y", {"reduction": "sum"})),
    ("mse(x, y, none)", ("mse_loss", "x", "y", {"reduction": "none"})),
    ("softplus(x, beta=1/2)", ("softplus", "x", {"beta": 0.5, "threshold": 20.0})),
    ("sort(x, descending=True)", ("sort", "x", {"dim": -1, "descending": True})),
    ("clamp(x, 0, 1)", ("clamp", "x", 0, 1)),
    ("clamp(x, max=1)", ("clamp", "x", None, 1)),
    ("clip(x, min=y)", ("clamp", "x", "y")),
    ("zeros(2, 3)", ("zeros", {"size": (2, 3)})),
    ("zeros([2, 3])", ("zeros", {"size": (2, 3)})),
    ("eye(3)", ("eye", {"n": 3})),
    ("full([2, 3], 0.5)", ("full", {"size": (2, 3), "fill": 0.5})),
    ("polygamma(2, x)", ("polygamma", "x", {"n": 2})),
    ("where(x > 0, x, -x)", ("where", ("gt", "x", 0), "x", ("neg", "x"))),
    ("sum((x, y))", ("sum", (LIST, "x", "y"), {"keepdim": False})),
    ("Heaviside(x)", ("Heaviside", "x", 0.5)),
    ("Heaviside(x, 1)", ("Heaviside", "x", 1)),
    ("Piecewise((x, x < 0), (y, True))", ("where", ("lt", "x", 0), "x", "y")),
    (
        "Piecewise((1, x < 0), (2, x < 1), (3, True))",
        ("where", ("lt", "x", 0), 1, ("where", ("lt", "x", 1), 2, 3)),
    ),
    ("Piecewise((x, x < 0))", ("where", ("lt", "x", 0), "x", math.nan)),
    ("Piecewise((x, True))", "x"),
    ("Piecewise((x, y), (y, x),)", ("where", "y", "x", ("where", "x", "y", math.nan))),
    ("sympy.Piecewise((x, True))", "x"),
)


@pytest.mark.parametrize(("text", "expected"), CALLS, ids=[row[0] for row in CALLS])
def test_calls_options_and_libraries(text: str, expected: Tree) -> None:
    assert same(tree(read(text)), expected)


INDICES = (
    ("x[0]", (0,)),
    ("x[-1]", (-1,)),
    ("x[1 + 2*3]", (7,)),
    ("x[0,]", (0,)),
    ("A[0, 1]", (0, 1)),
    ("A[:]", (("slice", None, None, None),)),
    ("A[:, 0]", (("slice", None, None, None), 0)),
    ("A[1:]", (("slice", 1, None, None),)),
    ("A[:2]", (("slice", None, 2, None),)),
    ("A[1:2]", (("slice", 1, 2, None),)),
    ("A[::2]", (("slice", None, None, 2),)),
    ("A[1:5:2]", (("slice", 1, 5, 2),)),
    ("A[:-1, ::1]", (("slice", None, -1, None), ("slice", None, None, 1))),
    ("A[...]", (...,)),
    ("A[..., 0]", (..., 0)),
    ("A[0, ..., 1:]", (0, ..., ("slice", 1, None, None))),
)


@pytest.mark.parametrize(("text", "expected"), INDICES, ids=[row[0] for row in INDICES])
def test_indices_are_those_of_python(text: str, expected: Tree) -> None:
    assert same(tree(read(text)), ("index", text[0], expected))


def test_indices_and_lists_nest() -> None:
    assert same(tree(read("A[0][1]")), ("index", ("index", "A", (0,)), (1,)))
    assert same(tree(read("[x, y][0]")), ("index", (LIST, "x", "y"), (0,)))
    assert same(tree(read("[[x, 1], [2, y]]")), (LIST, (LIST, "x", 1), (LIST, 2, "y")))
    assert same(tree(read("[x, y,]")), (LIST, "x", "y"))
    assert same(
        tree(read("(A@B).T[0].mT")),
        ("mT", ("index", ("transpose", ("matmul", "A", "B")), (0,))),
    )


PHYSICS = (
    *("gamma", "beta", "zeta", "I", "N", "S", "O", "Q", "C", "lambda", "sin", "max", "e", "i", "j"),
    *(
        "is",
        "in",
        "if",
        "for",
        "def",
        "class",
        "print",
        "F",
        "np",
        "torch",
        "T",
        "mean",
        "_",
        "x_1",
    ),
)


@pytest.mark.parametrize("name", PHYSICS)
def test_a_name_that_is_not_called_is_a_variable(name: str) -> None:
    assert same(tree(read(f"2*{name}**2")), ("mul", 2, ("pow", name, 2)))
    assert same(tree(read(f"{name}.T")), ("transpose", name))
    assert list(read(f"{name} + x").variables) == [name, "x"]


def test_a_function_and_a_variable_may_share_a_name() -> None:
    assert same(
        tree(read("gamma(gamma)*beta(beta, 2)")), ("mul", ("gamma", "gamma"), ("beta", "beta", 2))
    )


CONSTANTS = (
    ("pi", math.pi),
    ("π", math.pi),
    ("E", math.e),
    ("inf", math.inf),
    ("oo", math.inf),
    ("nan", math.nan),
)


@pytest.mark.parametrize(("name", "value"), CONSTANTS)
def test_a_constant_yields_to_a_variable_that_is_given(name: str, value: float) -> None:
    assert same(tree(read(f"2*{name}")), ("mul", 2, value))
    assert read(f"2*{name}").variables == {}
    assert list(read(f"2*{name}", given=[name]).variables) == [name]
    assert same(tree(read(f"sin({name}) + x", given=[name])), ("add", ("sin", name), "x"))


def test_a_librarys_constant_is_a_constant_whatever_is_given() -> None:
    assert same(tree(read("math.e*E", given=["E"])), ("mul", math.e, "E"))
    assert same(tree(read("np.pi*pi", given=["pi"])), ("mul", math.pi, "pi"))


@pytest.mark.parametrize("text", ["math.tau", "np.foo", "torch.float64", "torch.__builtins__"])
def test_a_librarys_other_members_are_not_variables(text: str) -> None:
    """`math.tau` is no variable `tau` that --at may give any value."""
    with pytest.raises(AgxError):
        read(text)


def test_true_false_and_none_are_constants() -> None:
    assert [tree(read(name)) for name in ("True", "False", "None")] == [True, False, None]


# Spans --------------------------------------------------------------------------------------------

SPANS = (
    ("sin( x )*2", {"variable": "x", "sin": "sin( x )", "number": "2", "mul": "sin( x )*2"}),
    ("  (x + 1) * y ", {"add": "x + 1", "mul": "(x + 1) * y", "variable": "y"}),
    ("x + (((y)))", {"add": "x + (((y)))"}),
    ("-(-x)", {"neg": "-(-x)"}),
    ("u = x*y ;sin(u) + u", {"mul": "x*y", "sin": "sin(u)", "add": "sin(u) + u"}),
    ("x² + 1", {"pow": "x²", "add": "x² + 1"}),
    ("A[0, :].T", {"index": "A[0, :]", "transpose": "A[0, :].T"}),
    ("[x, y] @ z", {"list": "[x, y]", "matmul": "[x, y] @ z"}),
    ("torch.special.erf(x)", {"erf": "torch.special.erf(x)"}),
    ("2*np.pi", {"number": "np.pi", "mul": "2*np.pi"}),
    ("√x + 1", {"sqrt": "√x"}),
    ("a < b == c", {"lt": "a < b", "eq": "b == c", "logical_and": "a < b == c"}),
    ("not a", {"logical_not": "not a"}),
    ("x # c\n", {"variable": "x"}),
    ("(x +\n y)", {"add": "x +\n y"}),
    ("λ·2", {"mul": "λ·2"}),
    ("Max(a, b, c)", {"maximum": "Max(a, b, c)"}),
    (
        "Piecewise((x, x < 0), (y, True))",
        {"where": "Piecewise((x, x < 0), (y, True))", "lt": "x < 0"},
    ),
    ("sum(x, dim=0)", {"sum": "sum(x, dim=0)", "variable": "x"}),
    ("+x*y", {"mul": "+x*y"}),
    ("1e-3*x", {"number": "1e-3"}),
)


@pytest.mark.parametrize(("text", "expected"), SPANS, ids=[row[0] for row in SPANS])
def test_spans_are_the_text_of_the_sub_expression(text: str, expected: dict[str, str]) -> None:
    found = spans(text)
    assert {op: found[op] for op in expected} == expected


def test_a_variable_and_a_step_keep_the_span_of_their_first_text() -> None:
    expression = read("u = x*y; u + x")
    assert expression.text(expression.variables["x"]) == "x"
    assert expression.nodes[expression.variables["x"]].span == (4, 5)
    assert expression.nodes[2].span == (4, 7)


# Assignments --------------------------------------------------------------------------------------


def test_assignments_are_separated_by_commas_or_semicolons_or_newlines() -> None:
    for text in (
        "x=2,y=pi/4,v=[1, 2]",
        "x=2;y=pi/4;v=[1, 2]",
        "x=2\ny=pi/4\nv=[1, 2]\n",
        "x=2, y=pi/4, v=[1,2],",
    ):
        found = read_assignments(text)
        assert [name for name, _, _ in found] == ["x", "y", "v"]
        assert same([tree(value) for _, _, value in found][1], ("div", math.pi, 4))
        assert [text[slice(*span)] for _, span, _ in found] == ["x", "y", "v"]


# Errors, to the letter ----------------------------------------------------------------------------


def error(text: str, given: tuple[str, ...] = ()) -> str:
    with pytest.raises(AgxError) as caught:
        read(text, given)
    return describe(caught.value)


def test_a_name_of_a_library_is_no_variable_that_is_given() -> None:
    message = "'torch.special' is not in the language"
    assert error("torch.special*2", ("special",)) == block(
        message, "torch.special*2", "^" * 13, NO_CONSTANT
    )
    assert list(read("special*2", ("special",)).variables) == ["special"]
    assert same(tree(read("torch.special.erf(special)", ("special",))), ("erf", "special"))


def block(message: str, line: str, carets: str, hint: str = "") -> str:
    shown = f"error: {message}\n  {line}\n  {carets}\n"
    return shown + (f"  hint: {hint}\n" if hint else "")


NO_CONSTANT = "a function is called: torch.sin(x); the constants are pi, e and inf"
ERRORS = (  # (text, message, carets, hint)
    # Names
    ("3*sigmod(x) + y", "unknown function 'sigmod'", "  ^^^^^^", "did you mean 'sigmoid'?"),
    ("Sin(x)", "unknown function 'Sin'", "^^^", "did you mean 'sin'?"),
    (
        "frobnicate(x)",
        "unknown function 'frobnicate'",
        "^^^^^^^^^^",
        "'agx functions' lists what there is",
    ),
    ("torch.sinn(x)", "unknown function 'sinn'", "^^^^^^^^^^", "did you mean 'sin'?"),
    ("x(3)", "unknown function 'x'", "^", "to multiply, write x*(…)"),
    ("x (y + 1)", "unknown function 'x'", "^", "to multiply, write x*(…)"),
    (
        "rate = 2; rate(x)",
        "unknown function 'rate'",
        "          ^^^^",
        "to multiply, write rate*(…)",
    ),
    # Two values side by side
    ("2x", "a product needs its sign", "^^", "write 2*x"),
    ("1 + 2.5xy", "a product needs its sign", "    ^^^^^", "write 2.5*xy"),
    ("x y", "a product needs its sign", "  ^", "write x*y"),
    (
        "y + sin x",
        "a function is called with brackets",
        "        ^",
        "write sin(x), or sin*x for a product",
    ),
    ("sin^2(x)", "a function is called with brackets", "     ^", "write sin(…)^2"),
    ("sin² x", "a function is called with brackets", "     ^", "write sin(x)²"),
    ("cos**-2 x", "a function is called with brackets", "        ^", "write cos(x)**-2"),
    ("x 2", "a product needs its sign", "  ^", "write x*2"),
    ("3(x+1)", "a product needs its sign", " ^", "write 3*(…)"),
    ("(x+1)(y)", "a product needs its sign", "     ^", "write (x+1)*(…)"),
    ("(x+1)y", "a product needs its sign", "     ^", "write (x+1)*y"),
    ("sin(x) cos(x)", "a product needs its sign", "       ^^^", "write sin(x)*cos"),
    ("x[0] y", "a product needs its sign", "     ^", "write x[0]*y"),
    ("x √y", "a product needs its sign", "  ^", "write x*√"),
    ("x lambda", "a product needs its sign", "  ^^^^^^", "write x*lambda"),
    ("lambda x: x", "a product needs its sign", "       ^", "write lambda*x"),
    (
        "(a_long_name + another_name) y",
        "a product needs its sign",
        " " * 29 + "^",
        "write …*y",
    ),
    # Something missing
    ("x +", "a value is missing after '+'", "  ^", ""),
    ("x + ", "a value is missing after '+'", "  ^", ""),
    ("(x +", "a value is missing after '+'", "   ^", ""),
    ("-", "a value is missing after '-'", "^", ""),
    ("not", "a value is missing after 'not'", "^^^", ""),
    ("x and", "a value is missing after 'and'", "  ^^^", ""),
    ("x**", "a value is missing after '**'", " ^^", ""),
    ("√", "a value is missing after '√'", "^", ""),
    ("u =", "a value is missing here", "   ^", ""),
    ("x + * y", "a value is missing before '*'", "    ^", ""),
    ("* x", "a value is missing before '*'", "^", ""),
    ("x + )", "')' closes nothing", "    ^", "delete it, or open a bracket before"),
    ("(x + ) * y", "a value is missing before ')'", "     ^", ""),
    ("sin(,)", "a value is missing before ','", "    ^", ""),
    ("sum(x,,y)", "a value is missing before ','", "      ^", ""),
    ("[,]", "a value is missing before ','", " ^", ""),
    ("sum(x, dim=)", "a value is missing before ')'", "           ^", ""),
    (".T", "a value is missing before '.'", "^", ""),
    ("x + ;y", "a value is missing after '+'", "  ^", ""),
    # Brackets
    ("(", "'(' was never closed", "^", "add the missing ')'"),
    ("((x)", "'(' was never closed", "^", "add the missing ')'"),
    ("sin(x", "'(' was never closed", "   ^", "add the missing ')'"),
    ("sin(", "'(' was never closed", "   ^", "add the missing ')'"),
    ("[x, y", "'[' was never closed", "^", "add the missing ']'"),
    ("x[0", "'[' was never closed", " ^", "add the missing ']'"),
    ("x[0:", "'[' was never closed", " ^", "add the missing ']'"),
    ("Piecewise((x, y)", "'(' was never closed", "         ^", "add the missing ')'"),
    ("x)", "')' closes nothing", " ^", "delete it, or open a bracket before"),
    ("x]", "']' closes nothing", " ^", "delete it, or open a bracket before"),
    (")", "')' closes nothing", "^", "delete it, or open a bracket before"),
    ("[x)", "')' closes '['", "  ^", "close it with ']'"),
    ("(x]", "']' closes '('", "  ^", "close it with ')'"),
    ("sin(x]", "']' closes '('", "     ^", "close it with ')'"),
    ("x[0)", "')' closes '['", "   ^", "close it with ']'"),
    ("()", "the brackets are empty", "^^", "put a value between them"),
    ("[]", "the brackets are empty", "^^", "put a value between them"),
    ("x + [ ]", "the brackets are empty", "    ^^^", "put a value between them"),
    ("(x, y)", "a list is written with square brackets", "^^^^^^", "write [a, b]"),
    ("(x,)", "a list is written with square brackets", "^^^^", "write [a, b]"),
    ("x, y", "a comma outside brackets", " ^", "several outputs are a list: [a, b]"),
    # Nothing at all
    ("# only a comment", "the expression is empty", "^" * 16, 'for example "x**2 + 1"'),
    # Calls
    ("sin()", "sin takes 1 argument, 0 given", "^^^^^", "write sin(x)"),
    ("1 + sin(x, y)", "sin takes 1 argument, 2 given", "    ^^^^^^^^^", "write sin(x)"),
    ("atan2(x)", "atan2 takes 2 arguments, 1 given", "^^^^^^^^", "write atan2(y, x)"),
    (
        "clamp()",
        "clamp takes 1 to 3 arguments, 0 given",
        "^^^^^^^",
        "write clamp(x, min=None, max=None)",
    ),
    (
        "where(x, y)",
        "where takes 3 arguments, 2 given",
        "^^^^^^^^^^^",
        "write where(condition, x, y)",
    ),
    (
        "maximum(x)",
        "maximum takes 2 or more arguments, 1 given",
        "^^^^^^^^^^",
        "write maximum(x, y, ...)",
    ),
    (
        "max()",
        "max takes 1 or more arguments, 0 given",
        "^^^^^",
        "write max(x, dim=None, keepdim=False)",
    ),
    ("log()", "log takes 1 or 2 arguments, 0 given", "^^^^^", "write log(x)"),
    ("zeros()", "zeros takes 1 or more arguments, 0 given", "^^^^^^^", "write zeros(*size)"),
    (
        "sum(x, foo=1)",
        "sum has no parameter 'foo'",
        "           ^",
        "its parameters: x, dim, keepdim",
    ),
    (
        "sum(x, 0, dim=1)",
        "'dim' is given twice",
        "              ^",
        "sum(x, dim=None, keepdim=False)",
    ),
    (
        "sum(x, dim=0, axis=1)",
        "'dim' is given twice",
        "                   ^",
        "sum(x, dim=None, keepdim=False)",
    ),
    (
        "sum(x, dim=0, 1)",
        "a positional argument after a named one",
        "              ^",
        "put the positional arguments first",
    ),
    ("sum(x, dim=1.5)", "dim must be an integer or a list of integers", "           ^^^", ""),
    ("sum(x, dim=y)", "dim must be an integer or a list of integers", "           ^", ""),
    (
        "sum(x, dim=[0, 0.5])",
        "dim must be an integer or a list of integers",
        "           ^^^^^^^^",
        "",
    ),
    (
        "sum(x, dim=9**99999)",
        "dim must be an integer or a list of integers",
        "           ^^^^^^^^",
        "",
    ),
    ("sum(x, keepdim=1)", "keepdim must be True or False", "               ^", ""),
    ("softmax(x, y)", "dim must be an integer", "           ^", ""),
    ("softplus(x, beta=y)", "beta must be a constant number", "                 ^", ""),
    ("norm(x, [1])", "ord must be a number, inf, fro or nuc", "        ^^^", ""),
    (
        "mse_loss(x, y, 2)",
        "reduction must be mean, sum or none",
        "               ^",
        "",
    ),
    ("Piecewise()", "Piecewise has no branches", "^^^^^^^^^^^", "Piecewise((a, x < 0), (b, True))"),
    (
        "Piecewise(x)",
        "a branch is (value, condition)",
        "          ^",
        "Piecewise((a, x < 0), (b, True))",
    ),
    (
        "Piecewise((x, y, z))",
        "a branch is (value, condition)",
        "          ^^^^^^^^^",
        "Piecewise((a, x < 0), (b, True))",
    ),
    # Indices
    ("x[]", "the index is empty", "^^^", "for example x[0]"),
    ("x[1.5]", "an index must be a whole number", "  ^^^", "for example x[0], A[:, 1]"),
    ("x[y]", "an index must be a whole number", "  ^", "for example x[0], A[:, 1]"),
    ("x[True]", "an index must be a whole number", "  ^^^^", "for example x[0], A[:, 1]"),
    ("x[0, [1]]", "an index must be a whole number", "     ^^^", "for example x[0], A[:, 1]"),
    ("x[1:y]", "an index must be a whole number", "    ^", "for example x[0], A[:, 1]"),
    ("x[9**9**9]", "an index must be a whole number", "  ^^^^^^^", "for example x[0], A[:, 1]"),
    ("x[9223372036854775808]", "an index beyond any tensor", "  ^^^^^^^^^^^^^^^^^^^", ""),
    ("x[1:2:3:4]", "a slice is start:stop:step", " ^", ""),
    # The equals sign, steps
    (
        "x = 1",
        "'x = …' names a step, but no expression follows it",
        "^",
        "end with what to evaluate: …; x (to compare, write ==)",
    ),
    (
        "x**2 = y",
        "'=' stands only after the name of a step",
        "     ^",
        "to compare, write ==; to solve f = g, look at f - g",
    ),
    (
        "x = y = 2",
        "'=' stands only after the name of a step",
        "      ^",
        "to compare, write ==; to solve f = g, look at f - g",
    ),
    (
        "= 2",
        "'=' stands only after the name of a step",
        "^",
        "to compare, write ==; to name a step, write u = …; and then use u",
    ),
    (
        "where(x = 0, 1, 2)",
        "a positional argument after a named one",
        "             ^",
        "put the positional arguments first",
    ),
    (
        "x; y",
        "this expression is never used",
        "^",
        "name it (u = …) and use the name, or make one list: [a, b]",
    ),
    (
        "x + 1\ny",
        "this expression is never used",
        "^^^^^",
        "name it (u = …) and use the name, or make one list: [a, b]",
    ),
    ("u = 1; u = 2; u", "the step 'u' is defined twice", "       ^", "give it another name"),
    (
        "v = u + 1; u = 2; v",
        "'u' is used before this step defines it",
        "           ^",
        "define a step before its first use, under a name of its own",
    ),
    (
        "u = u + 1; u",
        "'u' is used before this step defines it",
        "^",
        "define a step before its first use, under a name of its own",
    ),
    # Other languages
    (
        "'abc'",
        "strings are not in the language",
        "^",
        "leave the quotation marks out, as in norm(A, fro)",
    ),
    (
        'norm(A, "fro")',
        "strings are not in the language",
        "        ^",
        "leave the quotation marks out, as in norm(A, fro)",
    ),
    (
        "x 'abc'",
        "strings are not in the language",
        "  ^",
        "leave the quotation marks out, as in norm(A, fro)",
    ),
    (
        "x.grad",
        "attributes other than .T are not in the language",
        " ^^^^^",
        "functions are written f(x)",
    ),
    (
        "x.__class__",
        "attributes other than .T are not in the language",
        " ^^^^^^^^^^",
        "functions are written f(x)",
    ),
    ("x.sum()", "attributes other than .T are not in the language", " ^^^^", "write sum(x)"),
    (
        "(x + y).sin()",
        "attributes other than .T are not in the language",
        "       ^^^^",
        "write sin((x + y))",
    ),
    ("A.t()", "attributes other than .T are not in the language", " ^^", "write transpose(A)"),
    ("x.", "attributes other than .T are not in the language", " ^", "functions are written f(x)"),
    *(
        (f"{word}*2", f"'{word}' is not in the language", "^" * len(word), NO_CONSTANT)
        for word in ("torch.special", "np.linalg", "torch.nn.functional", "torch.special.x", "np.x")
    ),
    ("x if y else z", "'if' is not in the language", "  ^^", "write where(condition, a, b)"),
    ("[i for i in x]", "'for' is not in the language", "   ^^^", ""),
    ("x in y", "'in' is not in the language", "  ^^", ""),
    ("x is y", "'is' is not in the language", "  ^^", ""),
    ("|x|", "a value is missing before '|'", "^", "write abs(x) for an absolute value, or norm(x)"),
    ("x!", "'!' is not in the language", " ^", "write factorial(x)"),
    ("(n + 1)!", "'!' is not in the language", "       ^", "write factorial((n + 1))"),
    ("!x", "a value is missing before '!'", "^", "write 'not', or factorial(x)"),
    (
        "sin'(x)",
        "a prime for the derivative is not in the language",
        "   ^",
        "agx differentiates: agx grad EXPR",
    ),
    (
        "sin(x)'",
        "a prime for the derivative is not in the language",
        "      ^",
        "agx differentiates: agx grad EXPR",
    ),
    (
        "f'(x)",
        "a prime for the derivative is not in the language",
        " ^",
        "agx differentiates: agx grad EXPR",
    ),
    ("{x}", "a value is missing before '{'", "^", "use ( ) to group and [ ] for lists"),
    ("2*{x + 1}", "a value is missing before '{'", "  ^", "use ( ) to group and [ ] for lists"),
    ("x}", "'}' has no meaning here", " ^", "use ( ) to group and [ ] for lists"),
    ("x && y", "'&&' has no meaning here", "  ^^", "write 'and'"),
    ("x || y", "'||' has no meaning here", "  ^^", "write 'or'"),
    ("x <> y", "'<>' has no meaning here", "  ^^", "write !="),
    ("u := 2", "':=' has no meaning here", "  ^^", "write ="),
    ("x ? y : z", "'?' has no meaning here", "  ^", "write where(condition, a, b)"),
    ("x : y", "':' has no meaning here", "  ^", "slices stand in an index: x[1:3]"),
    ("...", "a value is missing before '...'", "^^^", "dots stand in an index: A[..., 0]"),
    ("$x$", "a value is missing before '$'", "^", "for LaTeX, use --syntax latex"),
    ("\\sin x", "a value is missing before '\\'", "^", "for LaTeX, use --syntax latex"),
    ("`x`", "a value is missing before '`'", "^", "leave the quotation mark out"),
    ("x == not y", "'not' needs brackets here", "     ^^^", "write (not …)"),
    # Numbers
    ("1e400", "a number beyond float64, which ends near 1.8e308", "^^^^^", "write inf or oo"),
    (
        "x + 1e309",
        "a number beyond float64, which ends near 1.8e308",
        "    ^^^^^",
        "write inf or oo",
    ),
    ("1" + "0" * 309, "a number beyond float64, which ends near 1.8e308", None, "write inf or oo"),
    ("x⁻", "not a whole number", " ^", "for example x² or x⁻¹"),
    ("x¹⁻", "not a whole number", " ^^", "for example x² or x⁻¹"),
    ("x⁻⁻¹", "not a whole number", " ^^^", "for example x² or x⁻¹"),
    ("x" + "²" * 19, "not a whole number", " " + "^" * 19, "for example x² or x⁻¹"),
    ("²", "a value is missing before '²'", "^", ""),
    # Characters
    (
        "x + y′",
        "'′' (U+2032 PRIME) has no meaning here",
        "     ^",
        "see 'agx functions' for what can be typed",
    ),
    (
        "∑x",
        "'∑' (U+2211 N-ARY SUMMATION) has no meaning here",
        "^",
        "agx differentiates what is typed; sums are written out or sum(x) over a vector",
    ),
    (
        "∂x",
        "'∂' (U+2202 PARTIAL DIFFERENTIAL) has no meaning here",
        "^",
        "agx differentiates what is typed; sums are written out or sum(x) over a vector",
    ),
    (
        "x + ٣",
        "'٣' (U+0663 ARABIC-INDIC DIGIT THREE) has no meaning here",
        "    ^",
        "write numbers with the digits 0 to 9",
    ),
    (
        "½",
        "'½' (U+00BD VULGAR FRACTION ONE HALF) has no meaning here",
        "^",
        "see 'agx functions' for what can be typed",
    ),
    (
        "₁",
        "'₁' (U+2081 SUBSCRIPT ONE) has no meaning here",
        "^",
        "see 'agx functions' for what can be typed",
    ),
)


@pytest.mark.parametrize(
    ("text", "message", "carets", "hint"), ERRORS, ids=[ascii(row[0])[:40] for row in ERRORS]
)
def test_an_error_says_what_where_and_how_to_mend_it(
    text: str, message: str, carets: str | None, hint: str
) -> None:
    found = error(text)
    if carets is None:
        assert found.startswith(f"error: {message}\n")
        assert found.endswith(f"  hint: {hint}\n")
    else:
        assert found == block(message, text.partition("\n")[0], carets, hint)


INVISIBLE = (
    ("\u200b", "U+200B (ZERO WIDTH SPACE)"),
    ("\u200d", "U+200D (ZERO WIDTH JOINER)"),
    ("\u200f", "U+200F (RIGHT-TO-LEFT MARK)"),
    ("\u202e", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
    ("\u2066", "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
    ("\u2060", "U+2060 (WORD JOINER)"),
    ("\u00ad", "U+00AD (SOFT HYPHEN)"),
    ("\ufeff", "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
    ("\x00", "U+0000"),
    ("\x1b", "U+001B"),
    ("\x7f", "U+007F"),
    ("\ue000", "U+E000"),
    ("\uffff", "U+FFFF"),
    ("\U000e0041", "U+E0041 (TAG LATIN CAPITAL LETTER A)"),
)


@pytest.mark.parametrize(("character", "shown"), INVISIBLE, ids=[row[1] for row in INVISIBLE])
def test_what_cannot_be_seen_is_refused_by_name(character: str, shown: str) -> None:
    expected = block(
        f"invisible character {shown} has no meaning here",
        "x�y",
        " ^",
        "delete it and type the expression again",
    )
    assert error(f"x{character}y") == expected


def test_a_lone_surrogate_is_no_text() -> None:
    assert error("x + \ud800") == block(
        "invisible character U+D800 has no meaning here",
        "x + �",
        "    ^",
        "the text is not valid UTF-8",
    )


LETTERS_THAT_CANNOT_BE_SEEN = ("\u034f", "\u115f", "\u1160", "\u3164", "\uffa0")


@pytest.mark.parametrize("letter", LETTERS_THAT_CANNOT_BE_SEEN, ids=ascii)
@pytest.mark.parametrize("text", ["{}", "x{}", "x{}y", "x + {}"])
def test_invisible_letters_are_refused_like_other_invisible_characters(
    letter: str, text: str
) -> None:
    """Unicode calls them letters or marks, but `x` and `x\\u3164` look alike: one of them lies."""
    with pytest.raises(ReadError):
        read(text.format(letter))


@pytest.mark.parametrize("mark", list("\u202a\u202b\u202d\u202e\u2066\u2067\u2068"), ids=ascii)
def test_a_comment_cannot_turn_the_text_around(mark: str) -> None:
    """Boucher & Anderson (2021) hide their trojans in comments, where they reorder the code."""
    with pytest.raises(ReadError):
        read(f"x # {mark} y\n")


@pytest.mark.parametrize("text", ["½", "x½", "₁", "₁x", "①", "²x", "ﷺ", "xⅷ½", "ͺ", "x͜½", "³√x"])
def test_a_variable_is_always_an_identifier(text: str) -> None:
    """What looks like a number, or like several words, is not taken for a name."""
    try:
        names = list(read(text).variables)
    except AgxError:
        return
    assert all(name.isidentifier() for name in names), names


@pytest.mark.parametrize("text", ["xⁿ", "xᵀ", "eˣ"])
def test_a_superscript_letter_is_not_read_as_part_of_the_name(text: str) -> None:
    """`xⁿ` looks like a power (and `xᵀ` like a transpose); it must not be a variable `xn`."""
    try:
        expression = read(text)
    except AgxError:
        return
    assert len(expression.nodes) > 1


def test_letters_that_look_alike_are_told_apart_where_they_matter() -> None:
    """Cyrillic х and Latin x are two variables, and the missing value says which."""
    expression = read("x + х")
    assert len(expression.variables) == 2
    with pytest.raises(UnknownNameError) as caught:
        check_values(expression, ["x"], {"x": "--at"})
    assert describe(caught.value) == block(
        "no value for 'х'",
        "x + х",
        "    ^",
        "add --at х=… ('х' is CYRILLIC SMALL LETTER HA)",
    )


@pytest.mark.parametrize("text", ["", "  ", " ; ; "])
def test_an_empty_expression_has_nothing_to_point_at(text: str) -> None:
    found = error(text)
    assert found.startswith("error: the expression is empty\n")
    assert found.endswith('  hint: for example "x**2 + 1"\n')
    assert found.count("\n") == (2 if not text.strip() else 4)


def test_a_keyword_is_given_one_value() -> None:
    with pytest.raises(ReadError):
        read("sum(x, axis=dim=0)")


def test_a_step_that_has_a_value_as_well_is_an_error() -> None:
    assert error("u = x; u", ("u", "x")) == block(
        "'u' is a named step and has a value in --at as well",
        "u = x; u",
        "^",
        "rename the step, or leave its value out of --at",
    )


def test_nesting_and_size_have_limits_with_errors_of_their_own() -> None:
    deep = error("(" * 201 + "x" + ")" * 201)
    assert deep.splitlines()[0] == "error: more than 200 levels of nesting"
    assert deep.splitlines()[-1] == "  hint: use named steps: u = …; v = sin(u); v"
    assert error("x" * 1_000_001) == (
        "error: 1,000,001 characters; the limit is 1,000,000\n"
        "  hint: agx reads expressions, not data: pass data with --at @values.json\n"
    )


def test_a_value_without_a_name_is_an_error_of_its_own() -> None:
    with pytest.raises(ReadError) as caught:
        read_assignments("x=2, 3")
    assert describe(caught.value) == block(
        "a value is written NAME=VALUE", "x=2, 3", "     ^", "for example x=2,y=pi/4"
    )


# Where the caret stands ---------------------------------------------------------------------------


def test_the_caret_stands_in_the_line_of_the_error() -> None:
    assert error("u = x**2\nv = sin(u) + 2u\nu + v") == block(
        "a product needs its sign", "v = sin(u) + 2u", "             ^^", "write 2*u"
    )


def test_the_caret_counts_columns_not_characters() -> None:
    """A wide character takes two columns, a combining one none."""
    assert error("变量 + x̂ + $") == block(
        "a value is missing before '$'",
        "变量 + x̂ + $",
        "           ^",
        "for LaTeX, use --syntax latex",
    )


def test_one_wrong_character_among_many_is_still_seen() -> None:
    text = "x + " * 1_000 + "$" + " + x" * 1_000
    message, line, carets, _ = error(text).splitlines()
    assert message == "error: a value is missing before '$'"
    assert len(line) < 80
    assert line[carets.index("^")] == "$"
    assert carets.strip() == "^"


HOSTILE_HINTS = (
    "(x # \x1b[31m\n)!",
    "(x # \u202e\n)!",
    "(x\n + y)!",
    "[x # \x07\n] y",
    "(x # \x1b\n).sum()",
    "A[...\n+ 1]",
    "x\n.\n",
)


@pytest.mark.parametrize("text", HOSTILE_HINTS, ids=ascii)
def test_messages_and_hints_repeat_no_control_characters(text: str) -> None:
    """What was typed comes back in hints; a terminal must not obey it, nor its lines break."""
    with pytest.raises(AgxError) as caught:
        read(text)
    assert caught.value.message.isprintable(), ascii(caught.value.message)
    assert caught.value.hint.isprintable(), ascii(caught.value.hint)


LONG = ("a" * 100_000 + "!", "a" * 100_000 + "(x)", "a" * 100_000 + ".b()", "x " + "a" * 100_000)
LONG = (*LONG, "1" * 300 + "a" * 100_000, "u" * 100_000 + "=1", "sum(x, " + "a" * 100_000 + "=1)")


@pytest.mark.parametrize("text", LONG, ids=[f"{text[:8]}…{text[-4:]}" for text in LONG])
def test_an_error_about_a_long_text_is_short(text: str) -> None:
    assert len(error(text)) < 1_000


def test_an_error_as_json_has_its_kind_message_hint_and_span() -> None:
    with pytest.raises(UnknownNameError) as caught:
        read("3*sigmod(x)")
    assert json.loads(json.dumps(caught.value.to_dict())) == {
        "kind": "name",
        "message": "unknown function 'sigmod'",
        "hint": "did you mean 'sigmoid'?",
        "span": [2, 8],
    }
    assert caught.value.exit_code == 2
