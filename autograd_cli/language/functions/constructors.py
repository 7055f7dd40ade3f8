"""Rows for what makes values: constants for `--at`, random ones under `--seed`."""

from autograd_cli.language.functions.row import Function


def _row(name: str, signature: str, help: str, symbolic: str = "") -> Function:
    return Function(
        name=name,
        signature=signature,
        torch=f"engine.{name}",
        symbolic=symbolic,
        derivatives=(),
        help=help,
        family="constructor",
        elementwise=False,
    )


ROWS = (
    _row("zeros", "*size:int", "zeros in a given shape", "array"),
    _row("ones", "*size:int", "ones in a given shape", "array"),
    _row("full", "size:ints, fill:number", "one number in a given shape: full([2, 3], 0.5)"),
    _row("eye", "n:int, m:int=None", "identity matrix", "array"),
    _row("rand", "*size:int", "uniform random numbers in [0, 1)"),
    _row("randn", "*size:int", "standard normal random numbers"),
    _row("linspace", "start:number, end:number, steps:int", "evenly spaced numbers, both ends in"),
    _row(
        "arange",
        "start:number, end:number=None, step:number=None",
        "numbers from start (0 if it is left out) to before end, by step",
    ),
)
