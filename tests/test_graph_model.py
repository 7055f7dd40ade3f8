"""The recorded graph against torch: the same nodes and edges, values, gradients, sums."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from expressions import VARIABLES, lines
from torch import Tensor

from autograd_cli.engine.core.context import Context, resolve
from autograd_cli.engine.core.evaluate import evaluate, output
from autograd_cli.engine.tape.recording import record
from autograd_cli.errors import AgxError
from autograd_cli.language.expression import Expression
from autograd_cli.language.reader import read
from autograd_cli.language.request import DerivativeRequest, read_request
from autograd_cli.results.graph import Graph
from autograd_cli.results.graph_parts import GraphEdge
from autograd_cli.results.ledgers import Ledger
from autograd_cli.settings import Settings

COUNT = 1_000
BATCHES = 8


@pytest.fixture(scope="module")
def context() -> Context:
    return resolve(Settings())


def leaves_for(expression: Expression, seed: int) -> dict[str, Tensor]:
    """Values where most functions are defined."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: 0.3 + 0.6 * torch.rand(VARIABLES[name], generator=generator, dtype=torch.float64)
        for name in expression.variables
    }


def random_graphs(
    batch: int, context: Context
) -> Iterator[tuple[Expression, dict[str, Tensor], Graph]]:
    """Random expressions with a gradient, at random points, recorded."""
    for number, line in enumerate(lines(2025, COUNT * 2)):
        if number % BATCHES != batch:
            continue
        try:
            expression = read(line.agx)
            at = leaves_for(expression, number)
            graph = record(expression, at, context, request_for(expression, at, context))
        except AgxError:
            continue  # no variable, no gradient, or no derivative in torch
        yield expression, at, graph


def request_for(
    expression: Expression, at: dict[str, Tensor], context: Context
) -> DerivativeRequest:
    """All outputs weigh 1."""
    with torch.no_grad():
        value = output(expression, evaluate(expression, at, context), context)
    weights = str(value.new_ones(value.shape).tolist()) if value.dim() else None
    return read_request(expression, grad_output=weights)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_graphs_are_torchs(batch: int, context: Context) -> None:
    seen = 0
    for expression, at, graph in random_graphs(batch, context):
        if seen == COUNT // BATCHES:
            break
        seen += 1
        leaves = {name: value.clone().requires_grad_() for name, value in at.items()}
        values = evaluate(expression, leaves, context)
        value = output(expression, values, context)
        root = torch.autograd.graph.get_gradient_edge(value).node
        names = walked_beside(graph, root, expression.source)
        check_values(expression, graph, names, leaves, context)
        check_gradients(graph, names, leaves, values, value)
        check_backward(graph, names, leaves, value)
        for ledger in (*graph.leaves.values(), *graph.shared.values()):
            check_sum(graph, ledger)
    assert seen == COUNT // BATCHES


def walked_beside(graph: Graph, root: Any, source: str) -> dict[str, Any]:
    """torch's node for every id, by walking both graphs side by side; they must agree fully."""
    edges = {(edge.source, edge.input): edge for edge in graph.edges}
    nodes = {node.id: node for node in graph.nodes}
    matched: dict[str, Any] = {graph.root: root}
    pending = [graph.root]
    count = 0
    while pending:
        one = pending.pop()
        theirs = matched[one]
        name = "AccumulateGrad" if hasattr(theirs, "variable") else theirs.name()
        assert nodes[one].op == name.rpartition("::")[2], source
        assert nodes[one].arity == len(theirs.next_functions), source
        for number, (operand, result) in enumerate(theirs.next_functions):
            if operand is None:
                assert (one, number) not in edges, source
                continue
            edge = edges[one, number]
            count += 1
            assert edge.output == result
            if edge.target not in matched:
                matched[edge.target] = operand
                pending.append(edge.target)
            assert matched[edge.target] is operand, source
    assert len(matched) == len(nodes), source
    assert count == len(graph.edges), source
    return matched


def check_values(
    expression: Expression,
    graph: Graph,
    names: dict[str, Any],
    leaves: dict[str, Tensor],
    context: Context,
) -> None:
    """A node's value is that of its text alone, read and evaluated anew."""
    for node in graph.nodes:
        if node.inner:
            continue
        text = graph.text(node.span)
        before = expression.source[: node.span.start].replace("\n", ";")
        steps = before[: before.rfind(";") + 1]  # those that it may use
        alone = read(steps + text, given=list(leaves))
        value = output(alone, evaluate(alone, leaves, context), context)
        assert same(node.value, value.tolist()), (expression.source, text)
        assert node.shape == tuple(value.shape)


def check_gradients(
    graph: Graph,
    names: dict[str, Any],
    leaves: dict[str, Tensor],
    values: list[Any],
    value: Tensor,
) -> None:
    """A node's gradient is torch.autograd.grad's to the tensor that it made."""
    made = {
        torch.autograd.graph.get_gradient_edge(tensor).node: tensor
        for tensor in values
        if isinstance(tensor, Tensor) and tensor.requires_grad
    }
    tracked = [(node, made[names[node.id]]) for node in graph.nodes if names[node.id] in made]
    found = torch.autograd.grad(
        value.sum(), [tensor for _, tensor in tracked], allow_unused=True, retain_graph=True
    )
    for (node, _), gradient in zip(tracked, found, strict=True):
        if gradient is None:
            assert node.grad is None, graph.expression
        elif any(node.shape for node in graph.nodes):  # matrix kernels depend on memory layout
            mine = torch.tensor(node.grad, dtype=torch.float64)
            assert torch.allclose(mine, gradient, 1e-12, 1e-12, equal_nan=True), graph.expression
        else:
            assert same(node.grad, gradient.tolist()), (graph.expression, node)


def check_backward(
    graph: Graph, names: dict[str, Any], leaves: dict[str, Tensor], value: Tensor
) -> None:
    """What torch's own engine runs, and when, and what hooks on its nodes see: the gradient that
    arrives, and what is sent along each edge."""
    sent: dict[tuple[str, int], Any] = {}
    arrived: dict[str, Any] = {}
    for name, node in names.items():
        if not node.next_functions:
            continue

        def watch(inputs: Any, outputs: Any, name: str = name) -> None:
            there = [part for part in outputs if part is not None]
            arrived[name] = there[0].tolist() if there else None
            for number, part in enumerate(inputs):
                sent[name, number] = None if part is None else part.tolist()

        node.register_hook(watch)
    torch.autograd.grad(
        value,
        list(leaves.values()),
        value.new_ones(value.shape),
        allow_unused=True,
        retain_graph=True,
    )
    order = sorted((one for one in graph.nodes if one.arity), key=lambda one: one.executed or 0)
    assert [one.id for one in order] == list(arrived), graph.expression
    for node in order:
        assert near(node.grad, arrived[node.id]), graph.expression
    for edge in graph.edges:
        assert near(edge.contribution, sent[edge.source, edge.input]), graph.expression


def near(mine: Any, theirs: Any) -> bool:
    """Numbers bit for bit, tensors to the last bits: matrix kernels depend on memory layout."""
    if mine is None or theirs is None or not isinstance(theirs, list):
        return (mine is None and theirs is None) or same(mine, theirs)
    one, other = torch.tensor(mine), torch.tensor(theirs)
    return one.shape == other.shape and torch.allclose(one, other, 1e-12, 1e-12, equal_nan=True)


def check_sum(graph: Graph, ledger: Ledger) -> None:
    """The contributions in the order of their arrival add up to the gradient."""
    moments = {node.id: node.executed for node in graph.nodes}
    shapes = {node.id: node.shape for node in graph.nodes}
    if len(graph.nodes) == 1:
        assert not ledger.contributions  # the output is the variable itself
        return
    wanted = torch.tensor(ledger.grad, dtype=torch.float64)
    arrived = sorted(ledger.contributions, key=lambda one: moments[one.source] or 0)
    total = torch.zeros(wanted.shape, dtype=torch.float64)
    for number, one in enumerate(arrived):
        part = torch.tensor(one.value, dtype=torch.float64).sum_to_size(wanted.shape)
        total = part if number == 0 else total + part
    if wanted.dim() == 0 and all(not shapes[one.source] for one in arrived):
        assert same(total.item(), wanted.item()), graph.expression
    else:
        assert torch.allclose(total, wanted, 1e-12, 1e-12, equal_nan=True), graph.expression


def same(mine: Any, theirs: Any) -> bool:
    """The same numbers, bit for bit, nan included."""
    if isinstance(mine, (list, tuple)):
        pairs = zip(mine, theirs, strict=True)
        return isinstance(theirs, list) and all(same(one, other) for one, other in pairs)
    return mine == theirs or (math.isnan(mine) and math.isnan(theirs))


# By hand -----------------------------------------------------------------------------------------


def graph_of(text: str, context: Context, /, **at: Any) -> Graph:
    options = {name: at.pop(name) for name in ("wrt", "order", "grad_output") if name in at}
    extra = {name: at.pop(name) for name in ("why", "saved") if name in at}
    values = {name: torch.tensor(value, dtype=torch.float64) for name, value in at.items()}
    expression = read(text, given=list(values))
    return record(expression, values, context, read_request(expression, **options), **extra)


def edges_between(graph: Graph, source: str, target: str) -> list[GraphEdge]:
    return [edge for edge in graph.edges if (edge.source, edge.target) == (source, target)]


def test_the_example_of_the_readme(context: Context) -> None:
    graph = graph_of("x**2+2*x*y+y**2", context, x=2.0, y=3.0)
    assert {graph.text(node.span): (node.value, node.grad) for node in graph.nodes} == {
        "x": (2.0, 10.0),
        "x**2": (4.0, 1.0),
        "2*x": (4.0, 3.0),
        "y": (3.0, 10.0),
        "2*x*y": (12.0, 1.0),
        "x**2+2*x*y": (16.0, 1.0),
        "y**2": (9.0, 1.0),
        "x**2+2*x*y+y**2": (25.0, 1.0),
    }
    assert [node.id for node in graph.nodes] == [f"n{i}" for i in range(1, 9)]
    x = graph.leaves["x"]
    assert [(graph.text(one.span), one.value) for one in x.contributions] == [
        ("x**2", 4.0),
        ("2*x*y", 6.0),
    ]
    assert x.grad == 10.0


def test_parallel_edges_are_kept(context: Context) -> None:
    graph = graph_of("x*x", context, x=3.0)
    assert [edge.contribution for edge in edges_between(graph, "n2", "n1")] == [3.0, 3.0]
    assert graph.leaves["x"].grad == 6.0


def test_the_derivative_of_a_node_that_is_not_elementwise_is_no_tensor(context: Context) -> None:
    graph = graph_of("sum(softmax(v)*w)", context, v=[1.0, 2.0], w=[3.0, 4.0])
    locals_ = {graph.nodes[int(e.target[1:]) - 1].name: e.local for e in graph.edges}
    assert locals_["v"] is None
    assert locals_["w"] is not None
    matrix = graph_of("sum(A@v)", context, A=[[1.0, 2.0], [3.0, 4.0]], v=[1.0, 1.0])
    assert [e.local for e in matrix.edges if e.source != matrix.root] == [None, None]


def test_a_cut_is_found(context: Context) -> None:
    graph = graph_of("x*detach(x**2)", context, x=3.0, why="x")
    (cut,) = [constant for constant in graph.constants if constant.cut]
    assert (graph.text(cut.span), cut.value) == ("detach(x**2)", 9.0)
    assert [(path.product, path.cut) for path in graph.paths] == [
        (9.0, ""),
        (0.0, "detach(x**2) carries no gradient"),
    ]


def test_only_what_is_asked_for_requires_a_gradient(context: Context) -> None:
    graph = graph_of("x*y", context, x=2.0, y=3.0, wrt="x")
    assert list(graph.leaves) == ["x"]
    (y,) = graph.constants
    assert (graph.text(y.span), y.value, y.cut) == ("y", 3.0, False)


def test_paths_add_up_to_the_gradient(context: Context) -> None:
    graph = graph_of("u = sin(x); v = u*x; v*u + x", context, x=0.7, why="x")
    assert len(graph.paths) == 4
    total = math.fsum(path.product for path in graph.paths)  # type: ignore[arg-type]
    assert total == pytest.approx(graph.leaves["x"].grad, rel=1e-14)


def test_the_second_order_is_the_graph_of_the_gradient(context: Context) -> None:
    graph = graph_of("x**3", context, x=2.0, order=2, wrt="x")
    nodes = {node.id: node for node in graph.nodes}
    assert nodes[graph.root].value == 12.0
    assert graph.leaves["x"].grad == 12.0
    assert {node.phase for node in graph.nodes} >= {"backward"}
    content = json.loads(json.dumps(graph.to_dict()))
    assert (content["order"], content["wrt"]) == (2, "x")
    assert all({"phase", "partner"} <= set(node) for node in content["nodes"])


@pytest.mark.parametrize("text", ["x**3*y", "exp(-x**2)*y", "sin(x*y)/x", "log(x)*tanh(y*x)"])
def test_second_derivatives_are_torchs(text: str, context: Context) -> None:
    graph = graph_of(text, context, x=0.8, y=1.3, order=2, wrt="x")
    x = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    y = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    value = eval(text, {**vars(torch), "x": x, "y": y})
    (first,) = torch.autograd.grad(value, x, create_graph=True)
    root = torch.autograd.graph.get_gradient_edge(first).node
    walked_beside(graph, root, text)
    second = torch.autograd.grad(first, (x, y), allow_unused=True)
    assert same([graph.leaves[n].grad for n in "xy"], [one.item() for one in second])  # type: ignore[union-attr]
    for ledger in (*graph.leaves.values(), *graph.shared.values()):
        check_sum(graph, ledger)


def test_what_is_saved(context: Context) -> None:
    graph = graph_of("sum(exp(v)*v)", context, v=[1.0, 2.0], saved=True)
    kept = [
        (node.op, one.role, one.bytes, one.source) for node in graph.nodes for one in node.saved
    ]
    assert Counter(op for op, *_ in kept) == {"ExpBackward0": 1, "MulBackward0": 2}
    assert ("MulBackward0", "other", 16, "leaf v") in kept
