"""Drawings of the grad_fn graph: one model, and a file for each way to draw it."""
