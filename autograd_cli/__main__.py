"""`python -m autograd_cli` and the `agx` script."""

import gc
import sys

# A command makes most of its objects while it imports torch, and they all live to its end. Looking
# for garbage among them every 700 objects would take a twentieth of the start.
gc.set_threshold(100_000, 20, 20)


def main() -> int:
    """Run agx; Ctrl-C is honoured from the first import on."""
    try:
        from autograd_cli import cli

        code = cli.main()
    except KeyboardInterrupt:  # before or after cli.main had the chance to see it
        code = 130
    if "torch" in sys.modules:
        from autograd_cli import interpreter

        interpreter.end(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
