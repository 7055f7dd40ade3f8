"""What computes, with torch: values, derivatives, verdicts, fits."""

from autograd_cli.data import room

room.prepare()  # before anything here imports torch
