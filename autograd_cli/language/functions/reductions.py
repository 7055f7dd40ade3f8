"""Rows for reductions, running totals and sorting.

`derivatives` are vector-Jacobian products over the whole tensor (no `dim`): `g` is the upstream
gradient, `y` the result.
"""

from autograd_cli.language.functions.row import Function

_DIM = "dim:ints=None, keepdim:bool=False"


def _row(
    name: str,
    signature: str,
    product: str,
    help: str,
    *,
    torch: str = "",
    symbolic: str = "array",
    **more: object,
) -> Function:
    return Function(
        name=name,
        signature=signature,
        torch=torch or f"torch.{name}",
        symbolic=symbolic,
        derivatives=(product,),
        help=help,
        family="reduction",
        elementwise=False,
        **more,  # type: ignore[arg-type]
    )


ROWS = (
    _row("sum", f"x, {_DIM}", "g*(0*x + 1)", "sum of the elements", torch="engine.sum_"),
    _row(
        "mean",
        f"x, {_DIM}",
        "g/numel(x)*(0*x + 1)",
        "mean of the elements",
        torch="engine.mean",
        aliases=("average",),
    ),
    _row(
        "prod",
        "x, dim:int=None, keepdim:bool=False",
        "g*y/x",
        "product of the elements",
        torch="engine.prod",
    ),
    _row(
        "max",
        "x, dim:int=None, keepdim:bool=False",
        "g*(x == y)/sum(x == y)",
        "largest element; max(a, b) is elementwise",
        torch="engine.max_",
        accurate="special.order_statistics.max_",
        overload="maximum",
        aliases=("Max",),
    ),
    _row(
        "min",
        "x, dim:int=None, keepdim:bool=False",
        "g*(x == y)/sum(x == y)",
        "smallest element; min(a, b) is elementwise",
        torch="engine.min_",
        accurate="special.order_statistics.min_",
        overload="minimum",
        aliases=("Min",),
    ),
    _row(
        "amax",
        f"x, {_DIM}",
        "g*(x == y)/sum(x == y)",
        "largest element; ties share the gradient",
        torch="engine.amax",
    ),
    _row(
        "amin",
        f"x, {_DIM}",
        "g*(x == y)/sum(x == y)",
        "smallest element; ties share the gradient",
        torch="engine.amin",
    ),
    _row(
        "norm",
        f"x, ord:order=None, {_DIM}",
        "g*x/y",
        "norm: 2 by default, or 1, 2, inf, -inf, fro, nuc; of a matrix the induced one, as in"
        " torch.linalg.norm",
        torch="torch.linalg.norm",
        square="sum(x**2)",
    ),
    _row(
        "var",
        "x, dim:ints=None, correction:int=1, keepdim:bool=False",
        "g*2*(x - mean(x))/(numel(x) - correction)",
        "variance, by n - 1 unless correction=0",
        torch="engine.var",
    ),
    _row(
        "std",
        "x, dim:ints=None, correction:int=1, keepdim:bool=False",
        "g*(x - mean(x))/(y*(numel(x) - correction))",
        "standard deviation, by n - 1 unless correction=0",
        torch="engine.std",
    ),
    _row(
        "median",
        "x, dim:int=None, keepdim:bool=False",
        "g*(x == y)/sum(x == y)",
        "median (the lower one of two)",
        torch="engine.median",
        accurate="special.order_statistics.median",
        symbolic="",
    ),
    _row(
        "numel",
        "x",
        "0",
        "number of elements",
        torch="engine.numel",
        symbolic="array",
        aliases=("size", "len"),
    ),
    _row("cumsum", "x, dim:int=0", "flip(cumsum(flip(g)))", "running sum", size="same"),
    _row("cumprod", "x, dim:int=0", "flip(cumsum(flip(g*y)))/x", "running product", size="same"),
    _row(
        "sort",
        "x, dim:int=-1, descending:bool=False",
        "",
        "elements in ascending order",
        torch="engine.sort",
        symbolic="",
        size="same",
    ),
    _row(
        "flip",
        "x, dim:ints=None",
        "flip(g)",
        "elements in reverse order",
        torch="engine.flip",
        size="same",
    ),
    _row(
        "softmax",
        "x, dim:int=-1",
        "y*(g - sum(g*y))",
        "exp(x)/sum(exp(x))",
        accurate="special.softmax.softmax",
        size="same",
    ),
    _row(
        "log_softmax",
        "x, dim:int=-1",
        "g - exp(y)*sum(g)",
        "log(softmax(x))",
        accurate="special.softmax.log_softmax",
        size="same",
    ),
    _row(
        "logsumexp",
        f"x, {_DIM}",
        "g*softmax(x)",
        "log(sum(exp(x))) without overflow",
        torch="engine.logsumexp",
        accurate="special.softmax.logsumexp",
    ),
)
