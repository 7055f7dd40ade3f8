"""Gradient descent and its relatives: the loop, the optimisers, the schedules, the verdicts."""
