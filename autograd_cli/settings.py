"""How to compute: the device, dtype and seed that a user asked for, checked without torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from autograd_cli.errors import UsageError

DTYPES = ("float64", "float32", "float16", "bfloat16")
DEVICES = ("cpu", "cuda", "mps", "xpu", "auto")

OPTIMIZERS = (
    "gd", "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs", "newton", "lm"
)  # fmt: skip
SEARCHING = ("lbfgs", "newton", "lm")  # these have a line search: their learning rate is 1
SCHEDULES = (
    "constant", "step", "exponential", "cosine", "linear", "inverse", "warmup", "warmup-cosine"
)  # fmt: skip


NETWORK_ACTIVATIONS = (
    "relu", "tanh", "sigmoid", "gelu", "silu", "elu", "softplus", "leaky_relu", "identity"
)  # fmt: skip

_DTYPE_ALIASES = {"double": "float64", "float": "float32", "half": "float16", "bf16": "bfloat16"}
_DEVICE = re.compile(r"(?:cpu|mps|auto|(?:cuda|xpu)(?::[0-9]{1,3})?)")
_NOT_DIFFERENTIABLE = re.compile(r"u?int[0-9]*|long|short|bool|complex[0-9]*")


@dataclass(frozen=True)
class Settings:
    """The device (`cpu`, `cuda:1`, `auto`, …), the dtype, and the seed of random constants."""

    device: str = "cpu"
    dtype: str = "float64"
    seed: int = 0

    @classmethod
    def checked(cls, device: str = "cpu", dtype: str = "float64", seed: int = 0) -> Settings:
        """Settings with known names.

        Raises: UsageError for an unknown device, an unknown dtype, or one without derivatives.
        """
        if not _DEVICE.fullmatch(device):
            near = get_close_matches(device, DEVICES, n=1)
            raise UsageError(
                f"unknown device '{device}'",
                hint=f"did you mean '{near[0]}'?" if near else f"one of {', '.join(DEVICES)}",
            )
        dtype = dtype.removeprefix("torch.")
        dtype = _DTYPE_ALIASES.get(dtype, dtype)
        if dtype not in DTYPES:
            if _NOT_DIFFERENTIABLE.fullmatch(dtype):
                raise UsageError(
                    f"{dtype} has no derivatives: autograd needs real floating-point numbers",
                    hint=f"one of {', '.join(DTYPES)}",
                )
            near = get_close_matches(dtype, DTYPES, n=1)
            raise UsageError(
                f"unknown dtype '{dtype}'",
                hint=f"did you mean '{near[0]}'?" if near else f"one of {', '.join(DTYPES)}",
            )
        if not -(2**63) <= seed < 2**64:
            raise UsageError(f"the seed {seed} is beyond 64 bits", hint="for example --seed 42")
        return cls(device, dtype, seed)


@dataclass(frozen=True)
class Descent:
    """How to go down: at most `steps` steps of `optimizer`, ended early by `tolerance`.

    `learning_rate` is None where the method has its own. `tolerance` is the gradient norm, relative
    to the size of what is minimised, at which a fit counts as converged; None leaves it to the
    task. `batch_size` is None for all of the data at once.
    """

    steps: int
    optimizer: str = "gd"
    learning_rate: float | None = None
    schedule: str = "constant"
    tolerance: float | None = None
    batch_size: int | None = None
