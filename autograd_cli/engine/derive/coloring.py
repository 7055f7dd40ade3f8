"""How few Hessian-vector products give a whole symmetric matrix of known pattern.

Columns without a common row can be computed together, in one Hessian-vector product (Curtis, Powell
& Reid, "On the estimation of sparse Jacobian matrices", IMA J. Appl. Math. 13, 1974): which columns
go together is a colouring of a graph (Gebremedhin, Manne & Pothen, "What color is your Jacobian?",
SIAM Review 47, 2005). A few full rows, as of a parameter that every term has, would forbid all of
that; they get a product each, and by symmetry that gives their columns too (Powell & Toint, "On the
estimation of sparse Hessian matrices", SIAM J. Numer. Anal. 16, 1979).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from autograd_cli.engine.core.symmetry import asymmetry, averaged

MOST_PRODUCTS = 0.25  # of the inputs: above that, rows in batches are as fast


@dataclass(frozen=True)
class Compression:
    """Which columns of a symmetric matrix are computed together, and what is read from where.

    colours  the product in which each column is, shape (inputs,)
    count    the number of products
    full     the inputs whose rows are full; their products come first
    entries  the pairs of inputs that interact, shape (pairs, 2), those with full rows left out
    """

    colours: Tensor
    count: int
    full: Tensor
    entries: Tensor

    def seeds(self, like: Tensor) -> Iterator[Tensor]:
        """The directions of the products: the columns of each colour added up."""
        for colour in range(self.count):
            yield (self.colours == colour).to(like)

    def expand(self, products: Tensor) -> tuple[Tensor, float]:
        """The matrix, averaged with its transpose, of the products in the shape (products,
        inputs); and the largest difference between an entry and its mirror image."""
        size = products.shape[1]
        rows, columns = self.entries.T.to(products.device)
        colours, full = self.colours.to(products.device), self.full.to(products.device)
        entries = products[colours[columns], rows]
        mirrored = entries[(columns * size + rows).argsort()]  # the entries are in order
        matrix = _zeros(size, products)
        matrix[rows, columns] = averaged(entries, mirrored)
        largest = asymmetry(entries - mirrored)
        if len(full):
            corner = products[: len(full), full]
            matrix[:, full] = products[: len(full)].T + 0.0
            matrix[full, :] = products[: len(full)] + 0.0
            matrix[full[:, None], full] = averaged(corner, corner.T)
            largest = max(largest, asymmetry(corner - corner.T))
        return matrix, largest

    def diagonal(self, products: Tensor) -> Tensor:
        """The diagonal of the matrix."""
        size = products.shape[1]
        places = torch.arange(size, device=products.device)
        found = products[self.colours.to(products.device), places]
        return torch.where(self._on_diagonal(size).to(products.device), found, 0.0)

    def _on_diagonal(self, size: int) -> Tensor:
        real = torch.zeros(size, dtype=torch.bool)
        real[self.entries[self.entries[:, 0] == self.entries[:, 1], 0]] = True
        real[self.full] = True
        return real


def _zeros(size: int, like: Tensor) -> Tensor:
    """A square matrix of zeros. On the CPU its memory is fresh from the system, which zeroes a page
    when it is first written: in a sparse matrix most never are."""
    count = size * size
    if like.device.type != "cpu" or not count:
        return like.new_zeros(size, size)
    memory = mmap.mmap(-1, count * like.element_size())
    return torch.frombuffer(memory, dtype=like.dtype, count=count).reshape(size, size)


def compress(pairs: Tensor, size: int) -> Compression | None:
    """The compression for a symmetric pattern; None if it would save little."""
    rows, columns = pairs.T
    degrees = torch.bincount(rows, minlength=size)
    full = _full_rows(degrees)
    is_full = torch.zeros(size, dtype=torch.bool)
    is_full[full] = True
    kept = ~(is_full[rows] | is_full[columns])
    entries = pairs[kept]
    colours = _colour(entries, size, int(MOST_PRODUCTS * size) - len(full))
    if colours is None:
        return None
    colours = colours + len(full)
    colours[full] = torch.arange(len(full))
    used = int(colours.max()) + 1 if size else 0
    return Compression(colours, used, full, entries)


def _full_rows(degrees: Tensor) -> Tensor:
    """The rows that are so much longer than the others that they cost less by themselves.

    A row of k entries forces k products; with the f longest rows apart, f and the next row's length
    bound the number of products from below.
    """
    lengths, order = degrees.sort(descending=True)
    total = torch.arange(len(lengths)) + lengths
    return order[: int(total.argmin())]


def _colour(entries: Tensor, size: int, most: int) -> Tensor | None:
    """A greedy colouring in which no two columns with a common row share a colour.

    Columns are taken in their order, which is best for bands; None where more than `most` colours
    would be needed.
    """
    if most < 1:
        return None
    width = int((entries[:, 0] - entries[:, 1]).abs().max()) if len(entries) else 0
    longest = int(torch.bincount(entries[:, 0], minlength=1).max()) if len(entries) else 1
    if 2 * width + 1 <= min(longest, most):  # a band: no colouring has fewer
        return torch.arange(size) % (2 * width + 1)
    neighbours: list[list[int]] = [[] for _ in range(size)]
    for row, column in entries.tolist():
        neighbours[row].append(column)
    taken = [0] * size  # for each row, the colours of its columns so far, as bits
    colours = [0] * size
    for column in range(size):
        forbidden = 0
        for row in neighbours[column]:
            forbidden |= taken[row]
        free = ~forbidden & (forbidden + 1)
        if free.bit_length() > most:
            return None
        colours[column] = free.bit_length() - 1
        for row in neighbours[column]:
            taken[row] |= free
    return torch.tensor(colours)
