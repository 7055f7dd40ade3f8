"""Second derivatives of a loss: the Hessian, its products, and its largest eigenvalue."""

from __future__ import annotations

import torch
from torch import Tensor

from autograd_cli.engine.descent.problem import Problem, flat, gradients

DENSE = 200  # parameters up to which the largest eigenvalue comes from the whole Hessian
FEW = 8  # parameters up to which a row after the other is as good as a batch of rows
PRODUCTS = 60  # Hessian-vector products for the largest eigenvalue of a large problem


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

    Of large problems, by the Lanczos method on Hessian-vector products, reorthogonalised (Golub &
    Van Loan, 4th ed., section 10.1): a lower bound, close after a few products.
    """
    if problem.size <= DENSE:
        matrix = hessian(problem)
        if not matrix.isfinite().all():
            return float("nan")
        return float(torch.linalg.eigvalsh(_solvable(matrix))[-1])
    slope = _slope(problem)
    if not slope.requires_grad:
        return 0.0
    generator = torch.Generator().manual_seed(0)
    vector = torch.randn(problem.size, generator=generator, dtype=torch.float64).to(slope)
    basis = (vector / vector.norm())[None]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(PRODUCTS):
        parts = gradients(slope @ basis[-1], problem.tensors, retain_graph=True)
        image = flat(parts).detach()
        diagonal.append(float(basis[-1] @ image))
        rest = image - basis.T @ (basis @ image)
        rest = rest - basis.T @ (basis @ rest)  # once more, for what rounding left
        length = float(rest.norm())
        if not length > 1e-10 * abs(diagonal[0]):
            break
        beside.append(length)
        basis = torch.cat([basis, (rest / length)[None]])
    size = len(diagonal)
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    for place, entry in enumerate(beside[: size - 1]):
        matrix[place, place + 1] = matrix[place + 1, place] = entry
    if not matrix.isfinite().all():
        return float("nan")
    return float(torch.linalg.eigvalsh(matrix)[-1])


def _slope(problem: Problem) -> Tensor:
    """The gradient at the parameters, attached to its graph, shape (size,)."""
    return flat(gradients(problem.loss(), problem.tensors, create_graph=True))


def _solvable(matrix: Tensor) -> Tensor:
    """The matrix in a precision that LAPACK has."""
    return matrix.to(torch.promote_types(matrix.dtype, torch.float32))
