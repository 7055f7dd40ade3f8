"""Benchmarks: whole commands against what a user would otherwise run, as ratios within one run."""
