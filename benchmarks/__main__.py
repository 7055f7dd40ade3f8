"""`python -m benchmarks NAME [--quick]`: runs one benchmark and prints its table."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "startup",
    "check",
    "hessian",
    "graph",
    "fit",
    "points",
)


def main() -> int:
    names = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    quick = "--quick" in sys.argv[1:]
    if not names or any(name not in NAMES for name in names):
        print(f"usage: python -m benchmarks {{{','.join(NAMES)}}} [--quick]", file=sys.stderr)
        return 2
    for name in names:
        importlib.import_module(f"benchmarks.{name}").run(quick=quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
