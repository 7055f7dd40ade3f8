"""`agx info`: versions, devices, and what is optional."""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from autograd_cli import __version__
from autograd_cli.commands.groups import Writing
from autograd_cli.settings import DTYPES

if TYPE_CHECKING:
    from autograd_cli.render.listings import Device, Extra

EXAMPLES = """
agx info
agx info --json
"""

DISTRIBUTION = "autograd-cli"
PACKAGES = ("torch", "sympy", "typer", "rich")
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+).*;.*extra\s*==\s*['\"]([^'\"]+)['\"]")


def info(ctx: typer.Context, writing: Writing) -> None:
    """Show versions, devices and optional parts.

    It is what a report of a problem should begin with.
    """
    from autograd_cli.render.listings import Info

    printing = writing.printing(ctx)
    printing.emit(
        Info(
            versions=_versions(),
            platform=platform.platform(),
            devices=_devices(),
            dtypes=DTYPES,
            extras=_extras(),
        )
    )


def _versions() -> dict[str, str]:
    python = ".".join(map(str, sys.version_info[:3]))
    return {
        "agx": __version__,
        "python": python,
        **{name: _version(name) or "not installed" for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> tuple[Device, ...]:
    import torch

    from autograd_cli.engine.core.context import available_devices
    from autograd_cli.render.listings import Device

    def name(device: str) -> str:
        kind = device.partition(":")[0]
        ask = getattr(getattr(torch, kind, None), "get_device_name", None)
        if ask is not None:
            return str(ask(device))
        return _processor() if kind == "cpu" else platform.processor()

    return tuple(Device(device=device, name=name(device)) for device in available_devices())


def _processor() -> str:
    """The name of the processor; Python knows only its kind."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            models = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        models = []
    return models[0] if models else platform.processor() or platform.machine()


def _extras() -> tuple[Extra, ...]:
    """The extras that the installed distribution declares, and what they lack here."""
    from importlib import metadata

    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # run from its sources
        return ()
    needed: dict[str, list[str]] = {}
    for text in requirements:
        if match := REQUIREMENT.match(text):
            needed.setdefault(match[2], []).append(match[1])
    return tuple(_extra(name, packages) for name, packages in sorted(needed.items()))


def _extra(name: str, packages: list[str]) -> Extra:
    from autograd_cli.render.listings import Extra

    missing = tuple(package for package in packages if _version(package) is None)
    return Extra(extra=name, installed=not missing, missing=missing)
