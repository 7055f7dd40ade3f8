"""Results about agx itself: the functions it knows, and what it runs on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from autograd_cli.results import SCHEMA, Scalar


@dataclass(frozen=True, kw_only=True)
class FunctionEntry:
    """One function, as users see it."""

    name: str
    usage: str
    aliases: tuple[str, ...]
    family: str
    derivatives: tuple[str, ...]
    domain: str
    help: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class FunctionList:
    """The functions of the language; `detailed` where one was asked for by name."""

    functions: tuple[FunctionEntry, ...]
    detailed: bool = False
    warnings: tuple[str, ...] = ()
    command: str = "functions"

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "command": self.command,
            "functions": [asdict(entry) for entry in self.functions],
            "warnings": list(self.warnings),
        }

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        for entry in self.functions:
            derivatives = "; ".join(entry.derivatives)
            yield entry.name, entry.usage, entry.family, derivatives, entry.domain, entry.help

    def columns(self) -> tuple[str, ...]:
        return tuple(FunctionEntry.__dataclass_fields__)

    def row(self) -> tuple[Scalar, ...]:
        """The first of the rows."""
        return next(self.rows())

    def rows(self) -> Iterator[tuple[Scalar, ...]]:
        for entry in self.functions:
            values = asdict(entry).values()
            yield tuple("; ".join(value) if isinstance(value, tuple) else value for value in values)


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device that torch can compute on."""

    device: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Extra:
    """An optional part of agx; `missing` are the packages that it still needs."""

    extra: str
    installed: bool
    missing: tuple[str, ...]

    @property
    def install(self) -> str:
        return f'pip install "autograd-cli[{self.extra}]"'


@dataclass(frozen=True, kw_only=True)
class Info:
    """Versions, devices, types and extras."""

    versions: dict[str, str]
    platform: str
    devices: tuple[Device, ...]
    dtypes: tuple[str, ...]
    extras: tuple[Extra, ...]
    warnings: tuple[str, ...] = ()
    command: str = "info"

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "command": self.command,
            "versions": dict(self.versions),
            "platform": self.platform,
            "devices": [asdict(device) for device in self.devices],
            "dtypes": list(self.dtypes),
            "extras": [{**asdict(extra), "install": extra.install} for extra in self.extras],
            "warnings": list(self.warnings),
        }

    def records(self) -> Iterator[tuple[Scalar, ...]]:
        yield from self.versions.items()
        yield "platform", self.platform
        for device in self.devices:
            yield "device", device.device, device.name
        for dtype in self.dtypes:
            yield "dtype", dtype
        for extra in self.extras:
            yield "extra", extra.extra, "installed" if extra.installed else extra.install

    def columns(self) -> tuple[str, ...]:
        return "name", "value", "detail"

    def row(self) -> tuple[Scalar, ...]:
        """The first of the rows."""
        return next(self.rows())

    def rows(self) -> Iterator[tuple[Scalar, ...]]:
        for record in self.records():
            yield (*record, *[None] * (3 - len(record)))
