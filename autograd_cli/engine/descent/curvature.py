"""Second derivatives of a loss: the Hessian, its products, and its largest eigenvalue."""

from __future__ import annotations

import torch
from torch import Tensor

from autograd_cli.engine.descent.problem import Problem, flat, gradients

DENSE = 200  # parameters up to which the largest eigenvalue comes from the whole Hessian
FEW = 8  # parameters up to which a row after the other is as good as a batch of rows
POWER_STEPS = 100


def hessian(problem: Problem) -> Tensor:
    """The Hessian of the whole loss at the parameters, symmetric, shape (size, size)."""
    batched = problem.objective.hessian
    if batched is not None and problem.size > FEW:
        return batched(problem.parameters).detach()
    tensors = problem.tensors
    slope = _slope(problem)
    rows = [flat(gradients(entry, tensors, retain_graph=True)) for entry in slope]
    matrix = torch.stack(rows).detach()
    return (matrix + matrix.T) / 2


def largest_eigenvalue(problem: Problem) -> float:
    """The largest eigenvalue of the Hessian at the parameters.

    Of large problems, by the power method on Hessian-vector products, twice: once for the
    eigenvalue of largest size, and, where that is negative, once more for the matrix shifted by it
    (Golub & Van Loan, 4th ed., section 8.2).
    """
    if problem.size <= DENSE:
        matrix = hessian(problem)
        if not matrix.isfinite().all():
            return float("nan")
        return float(torch.linalg.eigvalsh(_solvable(matrix))[-1])
    slope = _slope(problem)
    if not slope.requires_grad:
        return 0.0
    extreme = _power(problem, slope, 0.0)
    return extreme if extreme >= 0 else _power(problem, slope, extreme) + extreme


def _power(problem: Problem, slope: Tensor, shift: float) -> float:
    """The eigenvalue of largest size of the Hessian minus `shift` times the identity."""
    generator = torch.Generator().manual_seed(0)
    vector = torch.randn(problem.size, generator=generator, dtype=torch.float64).to(slope)
    value = 0.0
    for _ in range(POWER_STEPS):
        vector = vector / vector.norm()
        parts = gradients(slope @ vector, problem.tensors, retain_graph=True)
        image = flat(parts).detach() - shift * vector
        before, value = value, float(vector @ image)
        if not image.isfinite().all() or abs(value - before) <= 1e-6 * abs(value):
            break
        vector = image
    return value


def _slope(problem: Problem) -> Tensor:
    """The gradient at the parameters, attached to its graph, shape (size,)."""
    return flat(gradients(problem.loss(), problem.tensors, create_graph=True))


def _solvable(matrix: Tensor) -> Tensor:
    """The matrix in a precision that LAPACK has."""
    return matrix.to(torch.promote_types(matrix.dtype, torch.float32))
