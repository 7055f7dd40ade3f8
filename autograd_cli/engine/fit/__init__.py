"""Fits to data: exact linear least squares, nonlinear least squares, and their statistics."""
