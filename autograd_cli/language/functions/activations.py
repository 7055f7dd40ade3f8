"""Rows for the activation functions of neural networks."""

from autograd_cli.language.functions.row import Function


def _row(
    name: str,
    symbolic: str,
    derivative: str,
    help: str,
    *,
    options: str = "",
    torch: str = "",
    **more: object,
) -> Function:
    return Function(
        name=name,
        signature=f"x, {options}" if options else "x",
        torch=torch or f"torch.nn.functional.{name}",
        symbolic=symbolic,
        derivatives=(derivative,),
        help=help,
        family="activation",
        **more,  # type: ignore[arg-type]
    )


_ALPHA = 1.6732632423543772  # of selu, as in Klambauer et al. (2017)
_SCALE = 1.0507009873554805

ROWS = (
    _row(
        "relu",
        "Max(0, x)",
        "Heaviside(x, 0)",
        "rectified linear unit",
        torch="torch.relu",
        domain="x != 0",
    ),
    _row(
        "relu6",
        "Min(Max(0, x), 6)",
        "(x > 0)*(x < 6)",
        "relu, at most 6",
        domain="x != 0 and x != 6",
    ),
    _row(
        "leaky_relu",
        "Piecewise((x, x > 0), (negative_slope*x, True))",
        "where(x > 0, 1, negative_slope)",
        "relu with a slope below 0",
        options="negative_slope:number=0.01",
        domain="x != 0",
    ),
    _row(
        "elu",
        "Piecewise((x, x > 0), (alpha*(exp(x) - 1), True))",
        "where(x > 0, 1, alpha*exp(x))",
        "exponential linear unit",
        options="alpha:number=1.0",
        domain="x != 0",
    ),
    _row(
        "selu",
        f"Piecewise(({_SCALE}*x, x > 0), ({_SCALE * _ALPHA}*(exp(x) - 1), True))",
        f"where(x > 0, {_SCALE}, {_SCALE * _ALPHA}*exp(x))",
        "self-normalising elu",
        torch="torch.selu",
        domain="x != 0",
    ),
    _row(
        "celu",
        "Piecewise((x, x > 0), (alpha*(exp(x/alpha) - 1), True))",
        "where(x > 0, 1, exp(x/alpha))",
        "continuously differentiable elu",
        options="alpha:number=1.0",
        domain="x != 0",
    ),
    _row(
        "gelu",
        "x*(1 + erf(x/sqrt(2)))/2",
        "ndtr(x) + x*exp(-x**2/2)/sqrt(2*pi)",
        "Gaussian error linear unit",
        accurate="special.accurate.gelu",
    ),
    _row(
        "gelu_tanh",
        "x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2",
        "(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2"
        " + x*(1 - tanh(sqrt(2/pi)*(x + 0.044715*x**3))**2)*sqrt(2/pi)*(1 + 0.134145*x**2)/2",
        "gelu by its tanh approximation",
        torch="engine.gelu_tanh",
        accurate="special.accurate.gelu_tanh",
    ),
    _row(
        "silu",
        "x/(1 + exp(-x))",
        "sigmoid(x)*(1 + x*(1 - sigmoid(x)))",
        "x*sigmoid(x)",
        aliases=("swish",),
        accurate="special.accurate.silu",
    ),
    _row(
        "mish",
        "x*tanh(log(1 + exp(x)))",
        "tanh(softplus(x)) + x*sigmoid(x)*(1 - tanh(softplus(x))**2)",
        "x*tanh(softplus(x))",
        accurate="special.accurate.mish",
    ),
    _row(
        "softplus",
        "log(1 + exp(beta*x))/beta",
        "sigmoid(beta*x)",
        "smooth relu, log(1 + exp(x))",
        options="beta:number=1.0, threshold:number=20.0",
        domain="beta*x < threshold",
        accurate="special.accurate.softplus",
    ),
    _row(
        "softsign",
        "x/(1 + abs(x))",
        "1/(1 + abs(x))**2",
        "x/(1 + |x|)",
        accurate="special.accurate.softsign",
    ),
    _row(
        "sigmoid",
        "1/(1 + exp(-x))",
        "sigmoid(x)*(1 - sigmoid(x))",
        "logistic function",
        torch="torch.sigmoid",
        aliases=("expit", "logistic"),
        accurate="special.accurate.sigmoid",
    ),
    _row(
        "hardsigmoid",
        "Min(Max(0, x/6 + 1/2), 1)",
        "(x > -3)*(x < 3)/6",
        "piecewise linear sigmoid",
        torch="special.hardsigmoid",
        domain="abs(x) != 3",
    ),
    _row(
        "hardswish",
        "x*Min(Max(0, x/6 + 1/2), 1)",
        "where(x < -3, 0, where(x > 3, 1, x/3 + 1/2))",
        "x*hardsigmoid(x)",
        domain="abs(x) != 3",
    ),
    _row(
        "hardtanh",
        "Min(Max(min_val, x), max_val)",
        "(x > min_val)*(x < max_val)",
        "x kept between -1 and 1",
        options="min_val:number=-1.0, max_val:number=1.0",
        domain="x != min_val and x != max_val",
    ),
    _row(
        "logsigmoid",
        "-log(1 + exp(-x))",
        "sigmoid(-x)",
        "log(sigmoid(x))",
        aliases=("log_sigmoid",),
        accurate="special.accurate.logsigmoid",
    ),
    _row(
        "tanhshrink",
        "x - tanh(x)",
        "tanh(x)**2",
        "x - tanh(x)",
        accurate="special.accurate.tanhshrink",
    ),
    _row(
        "softshrink",
        "Piecewise((x - lambd, x > lambd), (x + lambd, x < -lambd), (0, True))",
        "abs(x) > lambd",
        "x moved towards 0 by lambd, 0 within it",
        options="lambd:number=0.5",
        domain="abs(x) != lambd",
    ),
    _row(
        "hardshrink",
        "Piecewise((x, abs(x) > lambd), (0, True))",
        "abs(x) > lambd",
        "x, but 0 within lambd of 0",
        options="lambd:number=0.5",
        domain="abs(x) != lambd",
    ),
)
