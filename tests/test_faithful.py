"""What agx records is what the same line of Python records in torch.

What is claimed: the grad_fn graph (names of the nodes, the order of their edges, parallel edges,
sharing), the value and the gradient of an expression are those of the same line run by Python's own
`eval` on torch tensors: node for node and bit for bit. Python and torch are the truth here; nothing
of agx's table is used to build it but the names that are to be tested.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from expressions import VARIABLES, lines, python_names
from torch import Tensor
from torch.nn import functional

from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.derive.gradients import gradient
from autograd_cli.errors import AgxError, DerivativeError, EvaluationError
from autograd_cli.language.expression import NUMBER, Expression
from autograd_cli.language.functions import FUNCTIONS, find
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings

CONTEXT = resolve(Settings())

# The same line in Python -------------------------------------------------------------------------

# Spellings that agx has from SymPy and NumPy, and torch has not or has elsewhere.
OTHERS: dict[str, Any] = {
    "ln": torch.log,
    "Abs": torch.abs,
    "fabs": torch.abs,
    "sgn": torch.sign,
    "ceiling": torch.ceil,
    "average": torch.mean,
    "tr": torch.trace,
    "norm": torch.linalg.norm,
    "bce_with_logits": functional.binary_cross_entropy_with_logits,
    "bce_loss": functional.binary_cross_entropy,
    "Max": lambda *operands: functools.reduce(torch.maximum, operands),
    "min": lambda x, *others, **options: (
        functools.reduce(torch.minimum, others, x) if others else torch.min(x, **options)
    ),
    "logsumexp": lambda x, dim=None, keepdim=False: torch.logsumexp(
        x, tuple(range(x.dim())) if dim is None else dim, keepdim
    ),
}
MODULES = (torch.linalg, functional, torch, torch.special)


def torch_function(name: str) -> Any:
    """What a user of torch calls `name`, or None."""
    found = (getattr(module, name, None) for module in MODULES)
    return next((function for function in found if callable(function)), None)


class _Names(dict[str, Any]):
    """The names a line of Python may use; a function is found when it is first called."""

    def __missing__(self, name: str) -> Any:
        function = OTHERS.get(name) or torch_function(name)
        if function is None:
            raise KeyError(name)
        self[name] = function
        return function


NAMES = _Names(
    **python_names(),
    number=lambda value: torch.tensor(value, dtype=torch.float64),
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """torch warns of degenerate reductions; both sides compute them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def run(python: str, at: Mapping[str, Tensor]) -> Any:
    """`result` after the statements `python`, with float64 as torch's default."""
    names = _Names(NAMES)
    names.update(at)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        exec(python, {}, names)
    finally:
        torch.set_default_dtype(before)
    return names["result"]


def leaves(generator: random.Random) -> dict[str, Tensor]:
    """A value for every variable: mostly of order one, now and then 0, 1 or -1."""

    def number() -> float:
        if generator.random() < 0.15:
            return generator.choice((0.0, 1.0, -1.0, 0.5, 2.0))
        return generator.choice((generator.gauss(0, 1), generator.random()))

    def tensor(shape: tuple[int, ...]) -> Tensor:
        values = [number() for _ in range(math.prod(shape))]
        return torch.tensor(values, dtype=torch.float64).reshape(shape)

    return {name: tensor(shape) for name, shape in VARIABLES.items()}


def tracked(at: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone().requires_grad_() for name, value in at.items()}


# What is compared --------------------------------------------------------------------------------


def same_bits(ours: Tensor, theirs: Tensor) -> bool:
    """Equal shapes, dtypes and numbers; nan equals nan, and -0.0 is not 0.0."""
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    if not ours.is_floating_point():
        return torch.equal(ours, theirs)
    both_nan = ours.isnan() & theirs.isnan()
    same = (ours == theirs) & (ours.signbit() == theirs.signbit())
    return bool((both_nan | same).all())


def difference(
    ours: Tensor,
    theirs: Tensor,
    our_leaves: Mapping[str, Tensor],
    their_leaves: Mapping[str, Tensor],
) -> str:
    """The first difference of two grad_fn graphs, walked side by side; "" if there is none."""
    our_names = {id(leaf): name for name, leaf in our_leaves.items()}
    their_names = {id(leaf): name for name, leaf in their_leaves.items()}
    if ours.grad_fn is None or theirs.grad_fn is None:
        if ours.grad_fn is not theirs.grad_fn:
            return f"the root is {ours.grad_fn}, in Python {theirs.grad_fn}"
        same = our_names.get(id(ours)) == their_names.get(id(theirs))
        return "" if same else "the roots are different leaves"
    partner: dict[Any, Any] = {ours.grad_fn: theirs.grad_fn}  # ours -> theirs, one to one
    partner_back: dict[Any, Any] = {theirs.grad_fn: ours.grad_fn}
    pending = [(ours.grad_fn, theirs.grad_fn)]
    while pending:
        node, other = pending.pop()
        if node.name() != other.name():
            return f"{node.name()}, in Python {other.name()}"
        if hasattr(node, "variable"):
            if our_names[id(node.variable)] != their_names[id(other.variable)]:
                return "an edge ends in another variable"
            continue
        edges, other_edges = node.next_functions, other.next_functions
        if len(edges) != len(other_edges):
            return f"{node.name()} has {len(edges)} edges, in Python {len(other_edges)}"
        for (below, number), (other_below, other_number) in zip(edges, other_edges, strict=True):
            if (below is None) != (other_below is None) or number != other_number:
                return f"the edges of {node.name()}: {edges}, in Python {other_edges}"
            if below is None:
                continue
            if below not in partner and other_below not in partner_back:
                partner[below], partner_back[other_below] = other_below, below
                pending.append((below, other_below))
            elif partner.get(below) is not other_below:
                return f"below {node.name()} a node is shared on one side only"
    return ""


def gradients(value: Tensor, at: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Reverse accumulation with a gradient of ones, zeros where nothing arrives."""
    if not value.requires_grad:
        return {name: torch.zeros_like(leaf) for name, leaf in at.items()}
    found = torch.autograd.grad(
        value, list(at.values()), torch.ones_like(value), allow_unused=True, retain_graph=True
    )
    return {
        name: torch.zeros_like(leaf) if part is None else part
        for (name, leaf), part in zip(at.items(), found, strict=True)
    }


def refuses(expression: Expression, at: Mapping[str, Tensor]) -> bool:
    try:
        evaluate(expression, at, CONTEXT)
    except EvaluationError:
        return True
    return False


def check(agx: str, python: str, at: Mapping[str, Tensor]) -> str:
    """Holds agx against Python on one line; returns what came of it: value, error, derivative."""
    typed = f"\nagx:    {agx!r}\npython: {python!r}\n"
    their_leaves = tracked(at)
    expression = read(agx)
    our_leaves = {name: leaf for name, leaf in tracked(at).items() if name in expression.variables}
    try:
        theirs = run(python, their_leaves)
        refused = theirs.is_complex()  # (-8)**0.5 is complex in Python, and not real to agx
    except (ArithmeticError, RuntimeError, IndexError, ValueError, TypeError):
        refused = True
    if refused:
        assert refuses(expression, our_leaves), f"Python refuses this line, agx does not:{typed}"
        return "error"
    ours = output(expression, evaluate(expression, our_leaves, CONTEXT), CONTEXT)
    assert same_bits(ours, theirs), f"{typed}value {ours}, in Python {theirs}"
    found = difference(ours, theirs, our_leaves, their_leaves)
    assert not found, f"{typed}{found}"
    if theirs.dtype == torch.bool:
        return "condition"
    used = {name: their_leaves[name] for name in our_leaves}
    try:
        expected = gradients(theirs, used)
    except (RuntimeError, NotImplementedError):
        if theirs.numel() == 1:
            with pytest.raises(DerivativeError):
                gradient(expression, our_leaves, CONTEXT)
        return "no derivative"
    actual = gradients(ours, our_leaves)
    for name in used:
        assert same_bits(actual[name], expected[name]), (
            f"{typed}d_{name} {actual[name]}, in Python {expected[name]}"
        )
    if theirs.numel() == 1:
        result = gradient(expression, our_leaves, CONTEXT)
        for name in used:
            given = torch.tensor(result.gradient[name], dtype=torch.float64)
            assert same_bits(given, expected[name]), f"{typed}d_{name} {given}, {expected[name]}"
    return "gradient"


# The claims --------------------------------------------------------------------------------------

NODES = (  # (as typed, the node that torch records, what its edges lead to)
    ("x + y", "AddBackward0", "x y"),
    ("x + 1", "AddBackward0", "x -"),
    ("1 + x", "AddBackward0", "x -"),
    ("x - y", "SubBackward0", "x y"),
    ("x - x", "SubBackward0", "x x"),
    ("x - 1", "SubBackward0", "x -"),
    ("1 - x", "RsubBackward1", "x"),
    ("x*y", "MulBackward0", "x y"),
    ("x*x", "MulBackward0", "x x"),
    ("2*x", "MulBackward0", "x -"),
    ("2·x", "MulBackward0", "x -"),
    ("x*2", "MulBackward0", "x -"),
    ("2*3*x", "MulBackward0", "x -"),
    ("x/y", "DivBackward0", "x y"),
    ("x/2", "DivBackward0", "x -"),
    ("2/x", "MulBackward0", "ReciprocalBackward0 -"),
    ("x**2", "PowBackward0", "x"),
    ("x^2", "PowBackward0", "x"),
    ("x²", "PowBackward0", "x"),
    ("x**-1", "PowBackward0", "x"),
    ("2**x", "PowBackward2", "x"),
    ("x**y", "PowBackward1", "x y"),
    ("x % y", "RemainderBackward1", "x y"),
    ("x % 2", "RemainderBackward0", "x"),
    ("-x", "NegBackward0", "x"),
    ("--x", "NegBackward0", "NegBackward0"),
    ("v @ w", "DotBackward0", "v w"),
    ("A @ v", "MvBackward0", "A v"),
    ("A @ B", "MmBackward0", "A B"),
    ("A.T", "PermuteBackward0", "A"),
    ("v[0]", "SelectBackward0", "v"),
    ("v[1:]", "SliceBackward0", "v"),
    ("A[0, 1]", "SelectBackward0", "SelectBackward0"),
    ("sin(x)", "SinBackward0", "x"),
    ("torch.sin(x)", "SinBackward0", "x"),
    ("sqrt(x)", "SqrtBackward0", "x"),
    ("√x", "SqrtBackward0", "x"),
    ("sum(v)", "SumBackward0", "v"),
    ("sum(A, dim=0)", "SumBackward1", "A"),
    ("mean(v)", "MeanBackward0", "v"),
    ("mean(A, axis=1)", "MeanBackward1", "A"),
    ("max(v)", "MaxBackward1", "v"),
    ("max(A, dim=0)", "MaxBackward0", "A"),
    ("max(x, y)", "MaximumBackward0", "x y"),
    ("Max(x, y, z)", "MaximumBackward0", "MaximumBackward0 z"),
    ("where(x > 0, x, y)", "WhereBackward0", "x y"),
    ("where(x > 0, x, 0)", "WhereBackward0", "x -"),
    ("Piecewise((x, x > 0), (y, True))", "WhereBackward0", "x y"),
    ("[x, y, x]", "StackBackward0", "x y x"),
    ("[x, 1]", "StackBackward0", "x -"),
    ("clamp(x, 0, 1)", "ClampBackward1", "x"),
    ("clamp(x, max=1)", "ClampBackward1", "x"),
    ("softmax(v)", "SoftmaxBackward0", "v"),
    ("norm(v)", "LinalgVectorNormBackward0", "v"),
    ("u = x*y; u + u", "AddBackward0", "MulBackward0 MulBackward0"),
)


@pytest.mark.parametrize(("typed", "node", "below"), NODES, ids=[row[0] for row in NODES])
def test_records_the_node_that_torch_names(typed: str, node: str, below: str) -> None:
    """Node names as torch documents and prints them, written down by hand."""
    at = tracked(leaves(random.Random(0)))
    value = output(read(typed), evaluate(read(typed), at, CONTEXT), CONTEXT)
    names = {id(leaf): name for name, leaf in at.items()}
    edges = [
        "-" if to is None else names[id(to.variable)] if hasattr(to, "variable") else to.name()
        for to, _ in value.grad_fn.next_functions  # type: ignore[union-attr]
    ]
    assert (value.grad_fn.name(), " ".join(edges)) == (node, below)  # type: ignore[union-attr]


def test_a_named_step_is_one_shared_node() -> None:
    at = tracked({"x": torch.tensor(0.5, dtype=torch.float64)})
    expression = read("u = x**2; v = sin(u); v*u + v")
    root = output(expression, evaluate(expression, at, CONTEXT), CONTEXT).grad_fn
    assert root is not None
    (product, _), (sine, _) = root.next_functions
    assert product.next_functions[0][0] is sine
    assert product.next_functions[1][0] is sine.next_functions[0][0]


def test_a_variable_alone_is_its_leaf() -> None:
    at = tracked({"x": torch.tensor(0.5, dtype=torch.float64)})
    assert output(read("x"), evaluate(read("x"), at, CONTEXT), CONTEXT) is at["x"]
    assert output(read("(+x)"), evaluate(read("(+x)"), at, CONTEXT), CONTEXT) is at["x"]


LINES = (  # (as typed, the same line in Python)
    ("1 - x", "1 - x"),
    ("2/x", "2/x"),
    ("x**2", "x**2"),
    ("2**x", "2**x"),
    ("x**2.", "x**2."),
    ("x**True", "x**True"),
    ("x**(1/2)", "x**(1/2)"),
    ("2 % x", "2 % x"),
    ("7 % 4*x", "7 % 4*x"),
    ("7 // 2*x", "7 // 2*x"),
    ("-7 // 2*x", "-7 // 2*x"),
    ("x + 7 // 2", "x + 7 // 2"),
    ("2**-1*x", "2**-1*x"),
    ("x*2**62", "x*2**62"),
    ("1e308*10*x", "1e308*10*x"),
    ("10**18*x - x", "10**18*x - x"),
    ("x/y/z", "x/y/z"),
    ("x - y - z", "x - y - z"),
    ("x**y**z", "x**y**z"),
    ("-x**2", "-x**2"),
    ("2**-x", "2**-x"),
    ("x*-y", "x*-y"),
    ("not x > 0", "logical_not(x > 0)"),
    ("0 < x < y", "logical_and(0 < x, x < y)"),
    ("x < y and y < z or not z < x", "logical_or(logical_and(x < y, y < z), logical_not(z < x))"),
    ("(x > 0)*y", "(x > 0)*y"),
    ("where(x > 0, x, y) + where(x > 0, 1, x)", "where(x > 0, x, y) + where(x > 0, 1, x)"),
    ("[[x, y], [1, z]]", "stack([stack([x, y]), stack([number(1), z])])"),
    ("[[1, 2], [3, 4]] @ [x, y]", "number([[1, 2], [3, 4]]) @ stack([x, y])"),
    ("A[1][2]", "A[1][2]"),
    ("A[1, 2]", "A[1, 2]"),
    ("A[1,]", "A[1,]"),
    ("A[:, 1]", "A[:, 1]"),
    ("A[..., 1]", "A[..., 1]"),
    ("A[-1, ::2]", "A[-1, ::2]"),
    ("C.T @ C", "C.T @ C"),
    ("(A @ B).T.T", "(A @ B).T.T"),
    ("A.mT", "A.mT"),
    ("u = x*y; t = u + u; t*u", "u = x*y\nt = u + u\nresult = t*u"),
    ("u = x\ns = u*u  # squared\n\ns + u", "u = x\ns = u*u\nresult = s + u"),
    ("np.pi*x + math.e", "pi*x + E"),
    ("clamp(x, 0)", "clamp(x, 0)"),
    ("clamp(x, y, z)", "clamp(x, y, z)"),
    ("clamp(v, 0, 1)", "clamp(v, 0, 1)"),
    ("sum(A, 0, True)", "sum(A, 0, True)"),
    ("sum(A, [0, 1])", "sum(A, [0, 1])"),
    ("sum(A, dim=(0, 1), keepdims=True)", "sum(A, dim=(0, 1), keepdim=True)"),
    ("var(v, correction=0)", "var(v, correction=0)"),
    ("std(A, axis=0, ddof=0)", "std(A, dim=0, correction=0)"),
    ("norm(v, 1)", "norm(v, 1)"),
    ("norm(v, inf)", "norm(v, inf)"),
    ("norm(A, fro)", "norm(A, 'fro')"),
    ("norm(A, ord=nuc)", "norm(A, ord='nuc')"),
    ("norm(A, 2, dim=1)", "norm(A, 2, dim=1)"),
    ("mse_loss(v, w, reduction=none)", "mse_loss(v, w, reduction='none')"),
    ("huber_loss(v, w, delta=0.5)", "huber_loss(v, w, delta=0.5)"),
    ("leaky_relu(x, 0.2)", "leaky_relu(x, 0.2)"),
    ("softplus(x, beta=2)", "softplus(x, beta=2)"),
    ("matrix_power(A, 3)", "matrix_power(A, 3)"),
    ("matrix_power(A, -1)", "matrix_power(A, -1)"),
    ("transpose(A, 0, 1)", "transpose(A, 0, 1)"),
    ("cross(v, w)", "cross(v, w)"),
    ("kron(v, w)", "kron(v, w)"),
    ("flip(A, [0, 1])", "flip(A, [0, 1])"),
    (
        "sum(zeros(3)*v) + sum(ones(2, 3)*C) + sum(eye(3)*A)",
        "sum(number([0, 0, 0])*v) + sum(number([[1.0]*3]*2)*C) + sum(eye(3)*A)",
    ),
    ("cross_entropy(v, 1)", "cross_entropy(v, number(1).long())"),
    ("cross_entropy(v, softmax(w))", "cross_entropy(v, softmax(w, -1))"),
    ("log(x, 2)", "log2(x)"),
    ("log(x, 10)", "log10(x)"),
    ("detach(x)*x", "x.detach()*x"),
)


@pytest.mark.parametrize(("typed", "python"), LINES, ids=[row[0] for row in LINES])
def test_is_the_line_of_python(typed: str, python: str) -> None:
    if "result" not in python:
        python = f"result = {python}"
    generator = random.Random(typed)
    for _ in range(5):
        check(typed, python, leaves(generator))


def _plain_spellings() -> list[str]:
    """Every spelling in the table, of a row that is a torch function, that torch has as well."""
    return [
        spelling
        for row in FUNCTIONS.values()
        if row.torch.startswith("torch.")
        for spelling in (row.name, *row.aliases)
        if torch_function(spelling) is not None
    ]


@pytest.mark.parametrize("spelling", _plain_spellings())
def test_a_function_is_torchs_function_of_that_name(spelling: str) -> None:
    """`sin`, `arcsin`, `fmax`, …: on the first operands that torch takes, of 0 to 2 dimensions."""
    row = find(spelling)
    assert row is not None
    options = {
        parameter.name: {"int": "1", "ints": "0", "number": "0.3"}[parameter.type]
        for parameter in row.options
        if parameter.default is None
    }
    operands = [parameter for parameter in row.parameters if parameter.is_operand]
    shapes = {0: "xyz", 1: "vwv", 2: "ABA"}
    done = set()
    for dimensions in itertools.product((0, 1, 2), repeat=len(operands)):
        names = [shapes[d][place] for place, d in enumerate(dimensions)]
        arguments = []
        for parameter in row.parameters:
            if parameter.is_operand:
                arguments.append(names.pop(0))
            elif parameter.name in options:
                arguments.append(options[parameter.name])
        call = f"{spelling}({', '.join(arguments)})"
        python = f"result = {call}"
        if row.name in ("softmax", "log_softmax", "cumsum", "cumprod"):  # torch has no default
            python = f"result = {call[:-1]}, dim={-1 if 'softmax' in row.name else 0})"
        for seed in range(4):
            at = leaves(random.Random(seed))
            if row.name in ("bce_loss", "cholesky", "logdet", "eigvalsh", "logit", "ndtri"):
                at = {
                    name: value.sigmoid() if value.dim() < 2 else value @ value.T
                    for name, value in at.items()
                }
            try:
                run(python, at)
            except (RuntimeError, IndexError, ValueError, TypeError):
                break  # not for these shapes
            done.add(check(call, python, at))
    assert done & {"gradient", "condition", "no derivative"}, f"torch takes no {spelling}"


CHUNKS = 50
LINES_IN_A_CHUNK = 110


@pytest.mark.parametrize("seed", range(CHUNKS))
def test_random_lines_are_those_of_python(seed: int) -> None:
    """5,500 lines in all; nine in ten have a value and a gradient, the others an error."""
    generator = random.Random(f"values {seed}")
    outcomes = [
        check(line.agx, line.python, leaves(generator)) for line in lines(seed, LINES_IN_A_CHUNK)
    ]
    assert outcomes.count("gradient") > 0.8 * LINES_IN_A_CHUNK


def test_numbers_stay_python_numbers() -> None:
    """A tensor exponent would record PowBackward1, and one of an integer lose its exactness."""
    expression = read("x**2 + 2*3 - 2**62 + True")
    assert [type(node.value) for node in expression.nodes if node.op == NUMBER] == [
        *[int] * 5,
        bool,
    ]


def test_zero_to_a_negative_power_is_a_division_by_zero() -> None:
    """As in Python, and not a 'math domain error'."""
    for typed in ("0**-1", "0.0**-2", "x + 0**(-1/2)"):
        with pytest.raises(EvaluationError, match="division by zero"):
            evaluate(read(typed), tracked(leaves(random.Random(1))), CONTEXT)


def test_a_line_that_python_refuses_is_refused() -> None:
    at = tracked(leaves(random.Random(1)))
    for typed in (
        "A @ x",
        "v[3]",
        "v + C.T",
        "[x, v]",
        "x[0]",
        "sum(v, dim=1)",
        "1/0 + x",
        "dot(A, v)",
    ):
        with pytest.raises(AgxError):
            evaluate(read(typed), at, CONTEXT)
