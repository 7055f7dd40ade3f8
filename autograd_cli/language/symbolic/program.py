"""The symbolic gradient as a list of operations, for evaluation at many points.

The value and its derivatives share their common subexpressions. What leaves the worker is a list of
nodes in the vocabulary of the function table, never text: each node is an operation, the positions
of its operands, and the value of a leaf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import sympy

from autograd_cli.language.expression import NUMBER, VARIABLE, Expression
from autograd_cli.language.functions import FUNCTIONS as ROWS
from autograd_cli.language.reader import read
from autograd_cli.language.symbolic.bridge import to_sympy
from autograd_cli.language.symbolic.calculus import differentiate
from autograd_cli.language.symbolic.elementwise import cbrt, detach
from autograd_cli.language.symbolic.forms import NoClosedForm, items_of, number
from autograd_cli.language.symbolic.gradients import within_limits

MAX_POWER = 16  # larger whole exponents are left to pow
MOST_OPERATIONS = 5_000

# SymPy's smooth functions and the rows that compute them. Functions with kinks and jumps are left
# to autograd, whose conventions there are its own.
FUNCTIONS: Mapping[type, str] = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.cot: "cot",
    sympy.sec: "sec",
    sympy.csc: "csc",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.atan2: "atan2",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.asinh: "asinh",
    sympy.acosh: "acosh",
    sympy.atanh: "atanh",
    sympy.erf: "erf",
    sympy.erfc: "erfc",
    sympy.Abs: "abs",
    sympy.sign: "sign",
    sympy.gamma: "gamma",
    sympy.loggamma: "lgamma",
    cbrt: "cbrt",
}

Node = list[Any]  # [operation, operands, value]
_Powers: TypeAlias = "dict[sympy.Expr, int]"  # a product: its factors with their exponents


def program(request: Mapping[str, Any]) -> dict[str, Any]:
    """`{"nodes": [[op, operands, value], …], "outputs": […]}` for the value and the derivatives.

    `source`, `given` and `wrt` are as for the formulas; every variable is a scalar. The outputs are
    the positions of the value and of a derivative by each of `wrt`. Raises: NoClosedForm, among
    others for functions that have digits of their own.
    """
    expression = read(request["source"], request.get("given") or ())
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(expression.variables, ())
    within_limits(expression, shapes)
    _check_digits(expression)
    items = [number(item) for item in items_of(to_sympy(expression, shapes))]
    if len(items) != 1:
        raise NoClosedForm("no closed form: the output is not a scalar")
    symbols = [sympy.Symbol(name, real=True) for name in request["wrt"]]
    outputs = [items[0], *(differentiate(items[0], [symbol]) for symbol in symbols)]
    outputs = [output.replace(detach, lambda x: x) for output in outputs]
    shared, reduced = sympy.cse(outputs, list=False)
    found = [_made(shared, reduced), _made(*_with_monomials(shared, reduced))]
    nodes, positions = min(reversed(found), key=lambda made: _cost(made[0]))
    return {"nodes": nodes, "outputs": positions}


def _check_digits(expression: Expression) -> None:
    """Raises NoClosedForm where a formula would have fewer digits than what was typed."""
    for node in expression.nodes:
        row = ROWS.get(node.op)
        if row is not None and row.has_own_digits:
            raise NoClosedForm(f"{row.name} has digits that its formula loses")


def _cost(nodes: Sequence[Node]) -> int:
    """How many operations there are but for signs and factors, which others take with them."""
    return sum(
        op not in (NUMBER, VARIABLE, "neg")
        and not (op == "mul" and any(nodes[place][0] == NUMBER for place in places))
        for op, places, _ in nodes
    )


def _with_monomials(
    shared: Sequence[tuple[sympy.Symbol, sympy.Expr]], reduced: Sequence[sympy.Expr]
) -> tuple[list[tuple[sympy.Symbol, sympy.Expr]], list[sympy.Expr]]:
    """The same with powers and products of symbols written out wherever they are used.

    Of `x0*x3` with x0 = x**2 and x3 = y**2 nobody sees that it is the square of x*y, which another
    place may need as well.
    """
    monomials: dict[sympy.Symbol, sympy.Expr] = {}
    kept = []
    for symbol, part in shared:
        written = part.xreplace(monomials)
        if _is_monomial(written):
            monomials[symbol] = written
        else:
            kept.append((symbol, written))
    return kept, [part.xreplace(monomials) for part in reduced]


def _is_monomial(tree: sympy.Expr) -> bool:
    _, rest = tree.as_coeff_Mul()
    return all(
        base.is_Symbol and exponent.is_Integer
        for base, exponent in (factor.as_base_exp() for factor in sympy.Mul.make_args(rest))
    )


def _made(
    shared: Sequence[tuple[sympy.Symbol, sympy.Expr]], reduced: Sequence[sympy.Expr]
) -> tuple[list[Node], list[int]]:
    maker = _Maker()
    for symbol, part in shared:
        maker.known[symbol] = maker.position(part)
    return maker.nodes, [maker.position(part) for part in reduced]


class _Maker:
    """Makes nodes of SymPy's trees; what was made once is used again."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.known: dict[Any, int] = {}
        self._made: dict[Any, int] = {}

    def position(self, root: sympy.Basic) -> int:
        """The position of the node that computes `root`, after those of its parts."""
        pending = [root]
        while pending:
            tree = pending[-1]
            if tree in self.known:
                pending.pop()
                continue
            missing = [part for part in self._parts(tree) if part not in self.known]
            if missing:
                pending += missing
                continue
            self.known[tree] = self._node_of(tree)
            pending.pop()
        return self.known[root]

    def _parts(self, tree: sympy.Basic) -> list[sympy.Basic]:
        if tree.is_Pow and tree.exp.is_Rational and tree.base is not sympy.E:
            return [tree.base]
        if tree.is_Mul:
            _, rest = tree.as_coeff_Mul()
            above, below = _fraction(rest)
            return [*above, *below]
        if tree.is_Add:
            return [term.as_coeff_Mul()[1] for term in tree.args]
        return [] if tree.is_number and tree.is_Atom else list(tree.args)

    def _node_of(self, tree: sympy.Basic) -> int:
        if tree.is_Symbol:
            return self.add(VARIABLE, (), tree.name)
        if tree.is_number and tree.is_Atom:
            return self.number(tree)
        if tree.is_Add:
            return self._sum(tree)
        if tree.is_Mul:
            return self._product(tree)
        if tree.is_Pow:
            return self._power(tree)
        name = FUNCTIONS.get(tree.func)
        if name is None:
            what = "a condition" if tree.is_Boolean or tree.is_Relational else tree.func
            raise NoClosedForm(f"{what} is left to autograd")
        return self.add(name, tuple(self.known[part] for part in tree.args))

    def _sum(self, tree: sympy.Add) -> int:
        """Terms with their signs; a number comes last."""
        constant, total = None, None
        for term in tree.args:
            factor, rest = term.as_coeff_Mul()
            if rest is sympy.S.One:
                constant = factor
                continue
            place = self.known[rest]
            is_negative = bool(factor < 0)
            if abs(factor) != 1:
                place = self.add("mul", (place, self.number(abs(factor))))
            if total is None:
                total = self.add("neg", (place,)) if is_negative else place
            else:
                total = self.add("sub" if is_negative else "add", (total, place))
        assert total is not None
        if constant is None:
            return total
        return self.add("add", (total, self.number(constant)))

    def _product(self, tree: sympy.Mul) -> int:
        factor, rest = tree.as_coeff_Mul()
        above, below = _fraction(rest)
        if not above:
            return self.add("div", (self.number(factor), self._monomial(below)))
        first, *others = _layers(above)
        total = self._layer(first)
        if below:
            total = self.add("div", (total, self._monomial(below)))
        for layer in others:
            total = self.add("mul", (total, self._layer(layer)))
        if factor == -1:
            return self.add("neg", (total,))
        return total if factor == 1 else self.add("mul", (total, self.number(factor)))

    def _monomial(self, powers: _Powers) -> int:
        return self._chain([self._layer(layer) for layer in _layers(powers)])

    def _layer(self, layer: tuple[list[sympy.Expr], int]) -> int:
        bases, exponent = layer
        return self._whole_power(self._chain([self.known[base] for base in bases]), exponent)

    def _chain(self, places: list[int]) -> int:
        total = places[0]
        for place in places[1:]:
            total = self.add("mul", (total, place))
        return total

    def _power(self, tree: sympy.Pow) -> int:
        base, exponent = tree.args
        if base is sympy.E:
            return self.add("exp", (self.known[exponent],))
        if exponent.is_Rational:
            return self._rational_power(self.known[base], exponent)
        return self.add("pow", (self.known[base], self.known[exponent]))

    def _rational_power(self, base: int, exponent: sympy.Rational) -> int:
        if exponent.q == 1 and 0 < exponent.p <= MAX_POWER:
            return self._whole_power(base, int(exponent.p))
        if exponent.q == 1 and -MAX_POWER <= exponent.p < 0:
            one = self.number(sympy.S.One)
            return self.add("div", (one, self._whole_power(base, -int(exponent.p))))
        if exponent == sympy.S.Half:
            return self.add("sqrt", (base,))
        if exponent == -sympy.S.Half:
            return self.add("rsqrt", (base,))
        if exponent.q == 2 and 0 < abs(exponent.p) <= MAX_POWER:
            root = self.add("sqrt", (base,))
            return self._rational_power(root, sympy.Integer(exponent.p))
        return self.add("pow", (base, self.number(exponent)))

    def _whole_power(self, base: int, exponent: int) -> int:
        """By squaring: x**5 is (x**2)**2*x."""
        result = None
        square = base
        while exponent:
            if exponent % 2:
                result = square if result is None else self.add("mul", (result, square))
            exponent //= 2
            if exponent:
                square = self.add("mul", (square, square))
        assert result is not None
        return result

    def number(self, value: sympy.Basic) -> int:
        if not value.is_real:
            raise NoClosedForm("no closed form among the real numbers")
        return self.add(NUMBER, (), float(value))

    def add(self, op: str, operands: tuple[int, ...], value: Any = None) -> int:
        if op in ("add", "mul") and not any(self.nodes[place][0] == NUMBER for place in operands):
            operands = tuple(sorted(operands))  # x*y and y*x are one product
        key = (op, operands, value)
        if key not in self._made:
            if len(self.nodes) >= MOST_OPERATIONS:
                raise NoClosedForm(f"no closed form of fewer than {MOST_OPERATIONS} operations")
            self.nodes.append([op, list(operands), value])
            self._made[key] = len(self.nodes) - 1
        return self._made[key]


def _fraction(product: sympy.Expr) -> tuple[_Powers, _Powers]:
    """The factors above and below the line, with their exponents; none above stands for 1."""
    above: _Powers = {}
    below: _Powers = {}
    for factor in sympy.Mul.make_args(product):
        base, exponent = factor.as_base_exp() if factor.is_Pow else (factor, sympy.S.One)
        if base is sympy.E or not exponent.is_Integer or abs(exponent) > MAX_POWER:
            above[factor] = 1
        elif exponent < 0:
            below[base] = -int(exponent)
        elif factor is not sympy.S.One:
            above[base] = int(exponent)
    return above, below


def _layers(powers: _Powers) -> list[tuple[list[sympy.Expr], int]]:
    """A product of powers as a product of powers of products, each without the last one's least
    power: x**3*y is (x*y)*x**2, x**2*y**2 is (x*y)**2. Symbols come first, always in one order."""
    bases = sorted(powers, key=lambda base: (not base.is_Symbol, base.sort_key()))
    layers = []
    done = 0
    for exponent in sorted(set(powers.values())):
        layers.append(([base for base in bases if powers[base] > done], exponent - done))
        done = exponent
    return layers
