"""Rows for the operators. Their operations are Python's own, so that torch sees the same calls."""

from autograd_cli.language.functions.row import Function


def _operator(
    name: str,
    symbol: str,
    operation: str,
    derivatives: tuple[str, ...],
    help: str,
    **more: object,
) -> Function:
    signature = "x" if len(derivatives) == 1 else "x, y"
    return Function(
        name=name,
        signature=signature,
        torch=f"operator.{operation}",
        symbolic=f"operator.{operation}",
        derivatives=derivatives,
        help=help,
        family="operator",
        numbers=True,
        symbol=symbol,
        **more,  # type: ignore[arg-type]
    )


def _comparison(name: str, symbol: str, symbolic: str, help: str, alias: str) -> Function:
    return Function(
        name=name,
        signature="x, y",
        torch=f"operator.{name}",
        symbolic=symbolic,
        derivatives=("0", "0"),
        help=help,
        family="operator",
        numbers=True,
        symbol=symbol,
        aliases=(alias, symbolic),
        is_condition=True,
    )


def _logical(name: str, symbol: str, symbolic: str, help: str, signature: str = "x, y") -> Function:
    return Function(
        name=name,
        signature=signature,
        torch=f"torch.{name}",
        symbolic=symbolic,
        derivatives=("0",) * (1 + signature.count(",")),
        help=help,
        family="operator",
        symbol=symbol,
        aliases=(symbolic,),
        is_condition=True,
    )


ROWS = (
    _operator("add", "+", "add", ("1", "1"), "sum"),
    _operator("sub", "-", "sub", ("1", "-1"), "difference", aliases=("subtract",)),
    _operator("mul", "*", "mul", ("y", "x"), "product", aliases=("multiply",)),
    _operator(
        "div",
        "/",
        "truediv",
        ("1/y", "-x/y**2"),
        "quotient",
        domain="y != 0",
        aliases=("divide", "true_divide", "Rational"),
    ),
    _operator(
        "pow",
        "**",
        "pow",
        ("y*x**(y - 1)", "x**y*log(x)"),
        "power; ^ means the same",
        domain="x > 0",
        aliases=("power", "Pow"),
        accurate="special.power.power",
    ),
    _operator("neg", "-", "neg", ("-1",), "opposite", aliases=("negative",)),
    _operator(
        "mod",
        "%",
        "mod",
        ("1", "-floor(x/y)"),
        "remainder with the sign of the divisor",
        domain="y != 0 and mod(x/y, 1) != 0",
        aliases=("remainder", "Mod"),
        accurate="special.accurate.mod",
    ),
    Function(
        name="floor_divide",
        signature="x, y",
        torch="engine.floor_divide",
        numbers=True,
        symbolic="floor(x/y)",
        derivatives=("0", "0"),
        help="quotient rounded down; its derivative is zero",
        domain="y != 0 and mod(x/y, 1) != 0",
        family="operator",
        symbol="//",
        aliases=("floordiv",),
    ),
    Function(
        name="matmul",
        signature="A, B",
        torch="operator.matmul",
        symbolic="array",
        derivatives=("g @ B.T", "A.T @ g"),
        help="matrix product",
        family="operator",
        symbol="@",
        aliases=("mm", "bmm"),
        elementwise=False,
        size="product",
    ),
    _comparison("lt", "<", "StrictLessThan", "less than", "Lt"),
    _comparison("le", "<=", "LessThan", "less than or equal", "Le"),
    _comparison("gt", ">", "StrictGreaterThan", "greater than", "Gt"),
    _comparison("ge", ">=", "GreaterThan", "greater than or equal", "Ge"),
    _comparison("eq", "==", "Equality", "equal", "Eq"),
    _comparison("ne", "!=", "Unequality", "not equal", "Ne"),
    _logical("logical_and", "and", "And", "both conditions hold"),
    _logical("logical_or", "or", "Or", "at least one of the conditions holds"),
    _logical("logical_not", "not", "Not", "the condition does not hold", signature="x"),
    _logical("logical_xor", "", "Xor", "exactly one of the conditions holds"),
)
