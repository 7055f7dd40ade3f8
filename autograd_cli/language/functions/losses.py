"""Rows for the losses of statistics and machine learning, with torch's defaults."""

from autograd_cli.language.functions.row import Function

_REDUCTION = "reduction:word=mean"


def _row(
    name: str,
    torch: str,
    symbolic: str,
    products: tuple[str, ...],
    help: str,
    *,
    signature: str = f"input, target, {_REDUCTION}",
    aliases: tuple[str, ...] = (),
    accurate: str = "",
) -> Function:
    return Function(
        name=name,
        signature=signature,
        torch=torch,
        symbolic=symbolic,
        derivatives=products,
        help=help,
        family="loss",
        aliases=aliases,
        accurate=accurate,
        elementwise=False,
    )


ROWS = (
    _row(
        "mse_loss",
        "torch.nn.functional.mse_loss",
        "{reduction}((input - target)**2)",
        ("g*2*(input - target)/numel(input)", "g*2*(target - input)/numel(input)"),
        "mean squared error",
        aliases=("mse",),
    ),
    _row(
        "l1_loss",
        "torch.nn.functional.l1_loss",
        "{reduction}(abs(input - target))",
        ("g*sign(input - target)/numel(input)", "g*sign(target - input)/numel(input)"),
        "mean absolute error",
        aliases=("mae",),
    ),
    _row(
        "huber_loss",
        "torch.nn.functional.huber_loss",
        "{reduction}(where(abs(input - target) <= delta, (input - target)**2/2,"
        " delta*(abs(input - target) - delta/2)))",
        (
            "g*clamp(input - target, -delta, delta)/numel(input)",
            "g*clamp(target - input, -delta, delta)/numel(input)",
        ),
        "quadratic near 0, linear beyond delta (Huber, 1964)",
        signature=f"input, target, {_REDUCTION}, delta:number=1.0",
        aliases=("huber",),
    ),
    _row(
        "smooth_l1_loss",
        "torch.nn.functional.smooth_l1_loss",
        "{reduction}(where(abs(input - target) < beta, (input - target)**2/(2*beta),"
        " abs(input - target) - beta/2))",
        (
            "g*clamp((input - target)/beta, -1, 1)/numel(input)",
            "g*clamp((target - input)/beta, -1, 1)/numel(input)",
        ),
        "huber_loss divided by beta",
        signature=f"input, target, {_REDUCTION}, beta:number=1.0",
    ),
    _row(
        "bce_loss",
        "torch.nn.functional.binary_cross_entropy",
        "{reduction}(-xlogy(target, input) - xlogy(1 - target, 1 - input))",
        (
            "g*(input - target)/(input*(1 - input))/numel(input)",
            "g*(log(1 - input) - log(input))/numel(input)",
        ),
        "cross-entropy of probabilities with targets in [0, 1]",
        aliases=("binary_cross_entropy",),
        accurate="special.accurate.binary_cross_entropy",
    ),
    _row(
        "bce_with_logits",
        "torch.nn.functional.binary_cross_entropy_with_logits",
        "{reduction}(log(1 + exp(input)) - target*input)",
        ("g*(sigmoid(input) - target)/numel(input)", "-g*input/numel(input)"),
        "bce_loss of sigmoid(input), without overflow",
        aliases=("binary_cross_entropy_with_logits", "bce_with_logits_loss"),
        accurate="special.accurate.binary_cross_entropy_with_logits",
    ),
    _row(
        "cross_entropy",
        "engine.cross_entropy",
        "array",
        ("", ""),
        "cross-entropy of logits with a class number, or with probabilities of the logits' shape",
        aliases=("cross_entropy_loss", "cross_entropy_with_logits"),
        accurate="special.softmax.cross_entropy",
    ),
)
