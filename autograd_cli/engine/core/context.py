"""Where tensors live: the settings resolved to torch's device, dtype and random generator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from autograd_cli.errors import DeviceError
from autograd_cli.settings import Settings

_PROBES: dict[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "xpu": torch.xpu.is_available,
}


@dataclass(frozen=True)
class Context:
    """A device, a dtype, and the generator of random constants (on the CPU, so that a seed gives
    the same numbers on every device).

    accurate  whether derivatives are to hold their digits where torch's own formulas cancel;
              otherwise the graph is, node for node, the one that Python records
    """

    device: torch.device
    dtype: torch.dtype
    generator: torch.Generator
    accurate: bool = False

    @property
    def dtype_name(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    def tensor(self, value: object) -> torch.Tensor:
        """A constant of this context; conditions stay boolean."""
        dtype = torch.bool if isinstance(value, bool) else self.dtype
        return torch.tensor(value, dtype=dtype, device=self.device)

    @contextmanager
    def defaults(self) -> Iterator[None]:
        """Makes torch promote integers and conditions to this dtype while it lasts."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of torch to programmers; ours tell users
                yield
        finally:
            torch.set_default_dtype(before)


def available_devices() -> list[str]:
    """The devices of this torch on this machine, the CPU first."""
    devices = ["cpu"]
    for kind, is_available in _PROBES.items():
        if is_available():
            count = getattr(torch, kind).device_count()
            devices += [kind] if kind == "mps" else [f"{kind}:{i}" for i in range(count)]
    return devices


def resolve(settings: Settings, *, accurate: bool = False) -> Context:
    """Torch's side of `settings`.

    Raises: DeviceError if the device is not available, or has no such dtype.
    """
    here = available_devices()
    name = settings.device
    if name == "auto":
        name = here[1] if len(here) > 1 else "cpu"
        if name == "mps" and settings.dtype == "float64":
            name = "cpu"  # Apple's GPU has no float64, and precision was not given up by the user
    kind, _, index = name.partition(":")
    if kind != "cpu" and not any(device.partition(":")[0] == kind for device in here):
        raise DeviceError(
            f"{kind} is not available in this torch; here: {', '.join(here)}",
            hint="leave --device out, or use --device auto",
        )
    if index and name not in here:
        raise DeviceError(f"there is no device {name}; here: {', '.join(here)}")
    if kind == "mps" and settings.dtype == "float64":
        raise DeviceError("mps has no float64", hint="add --dtype float32, or use --device cpu")
    generator = torch.Generator().manual_seed(settings.seed)
    return Context(torch.device(name), getattr(torch, settings.dtype), generator, accurate)
