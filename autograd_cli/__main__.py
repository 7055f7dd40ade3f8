"""`python -m autograd_cli` and the `agx` script."""

import sys


def main() -> int:
    """Run agx; Ctrl-C is honoured from the first import on."""
    try:
        from autograd_cli import cli

        return cli.main()
    except KeyboardInterrupt:  # before or after cli.main had the chance to see it
        return 130


if __name__ == "__main__":
    sys.exit(main())
