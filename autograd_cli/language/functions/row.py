"""What the function table knows of a function: the form of its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

OPTION_TYPES = ("int", "ints", "number", "bool", "word", "order")

# What NumPy and SymPy call the options that torch's names stand for here.
OPTION_ALIASES = {"axis": "dim", "keepdims": "keepdim", "ddof": "correction"}


class Parameter(NamedTuple):
    """One parameter of a function.

    An operand takes part in differentiation; an option (`dim:int=None`) is a constant setting,
    of one of OPTION_TYPES. `default` is the text of the default; None means that it is required.
    A `variadic` option takes all further arguments (`*size:int`).
    """

    name: str
    type: str = "operand"
    default: str | None = None
    variadic: bool = False

    @property
    def is_operand(self) -> bool:
        return self.type == "operand"


@dataclass(frozen=True)
class Function:
    """One row of the function table.

    name         what users write, and what messages call it
    signature    `x, base=None, dim:int=None`: operands are bare, options have a type; an operand's
                 default is a number, or `None` where it may be left out
    torch        where the operation is: `torch.sin`, `operator.add`, or `engine.gamma` for one of
                 our own
    symbolic     its SymPy form: the name of a SymPy function, a formula in the expression language
                 over the parameters (`{reduction}` stands for an option's word), `operator.add`,
                 `array` where the symbolic bridge has its own rule for arrays, or "" for none
    derivatives  for an elementwise row, the partial derivative by each operand, as formulas in the
                 language; for others, the vector-Jacobian products with `g` the upstream gradient
                 and `y` the result
    domain       where the function is defined and differentiable, as a condition in the language;
                 "" is everywhere
    help         one line
    family       the heading it stands under
    aliases      other spellings: SymPy's, NumPy's, torch's
    accurate     the operation with the same value and with derivatives that hold their digits, if
                 those of `torch` cancel somewhere
    square       the square of its result, as a formula in the language, if that is smooth where
                 the function is not: of sqrt(x) it is x
    splits       whether SymPy makes a sum of it unasked: of erfc(-x) 2 - erfc(x)
    numbers      number operands stay Python numbers, as in the same line of Python; otherwise they
                 become tensors, because the torch function takes nothing else
    overload     the row that takes over when two or more operands are given: `max(a, b)`
    folds        three or more operands are taken pairwise from the left: `Max(a, b, c)`
    symbol       an operator's sign
    size         how large the result is, where the function is not elementwise and the result can
                 be as large as an operand: `same` as that, every element of one by every element
                 of the other (`outer`), the rows of one by the columns (`product`) or rows
                 (`inner`) of the other, a matrix of a vector (`diagonal`)
    is_condition the result is true or false
    symmetric    it is of symmetric matrices: torch reads one triangle of its operand, and its
                 derivatives are those among symmetric matrices
    """

    name: str
    signature: str
    torch: str
    symbolic: str
    derivatives: tuple[str, ...]
    help: str
    domain: str = ""
    family: str = ""
    aliases: tuple[str, ...] = ()
    accurate: str = ""
    square: str = ""
    splits: bool = False
    numbers: bool = False
    overload: str = ""
    folds: bool = False
    symbol: str = ""
    symmetric: bool = False
    elementwise: bool = field(default=True)
    size: str = ""
    is_condition: bool = False

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The signature, taken apart."""
        return tuple(_parameter(part.strip()) for part in self.signature.split(",") if part.strip())

    @cached_property
    def operands(self) -> tuple[Parameter, ...]:
        """The parameters that are differentiated."""
        return tuple(parameter for parameter in self.parameters if parameter.is_operand)

    @cached_property
    def options(self) -> tuple[Parameter, ...]:
        """The parameters that are constant settings."""
        return tuple(parameter for parameter in self.parameters if not parameter.is_operand)

    @property
    def has_own_digits(self) -> bool:
        """Whether its SymPy form has fewer digits than torch's function or ours, in its value or in
        its derivatives: a sum may cancel where the function does not.

        An operator is its own form.
        """
        if self.symbol:
            return False
        is_sum = " + " in self.symbolic or " - " in self.symbolic
        ours = bool(self.accurate) or self.torch.startswith("special.")
        return is_sum or ours or self.splits

    @property
    def usage(self) -> str:
        """How a call is written: `log(x, base=None)`."""
        parts = [
            f"{'*' * parameter.variadic}{parameter.name}"
            + ("" if parameter.default is None else f"={parameter.default}")
            for parameter in self.parameters
        ]
        more = ", ..." if self.folds else ""
        return f"{self.name}({', '.join(parts)}{more})"


def _parameter(text: str) -> Parameter:
    head, _, default = text.partition("=")
    name, _, kind = head.partition(":")
    variadic = name.startswith("*")
    return Parameter(name.lstrip("*"), kind.strip() or "operand", default.strip() or None, variadic)
