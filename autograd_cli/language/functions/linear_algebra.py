"""Rows for vectors and matrices. Adjoints: Giles (2008), "Collected matrix derivative results".

`derivatives` are vector-Jacobian products: `g` is the upstream gradient, `y` the result.
"""

from autograd_cli.language.functions.row import Function


def _row(
    name: str,
    signature: str,
    products: tuple[str, ...],
    help: str,
    *,
    torch: str = "",
    symbolic: str = "array",
    **more: object,
) -> Function:
    return Function(
        name=name,
        signature=signature,
        torch=torch or f"torch.{name}",
        symbolic=symbolic,
        derivatives=products,
        help=help,
        family="linear algebra",
        elementwise=False,
        **more,  # type: ignore[arg-type]
    )


ROWS = (
    _row("dot", "x, y", ("g*y", "g*x"), "inner product of two vectors"),
    _row("vdot", "x, y", ("g*y", "g*x"), "inner product of two vectors", symbolic="dot(x, y)"),
    _row(
        "inner",
        "x, y",
        ("", ""),
        "sums of products over the last axes",
        symbolic="dot(x, y)",
        size="inner",
    ),
    _row(
        "cross",
        "x, y, dim:int=-1",
        ("cross(y, g)", "cross(g, x)"),
        "cross product of 3-vectors",
        torch="torch.linalg.cross",
    ),
    _row("outer", "x, y", ("g @ y", "g.T @ x"), "outer product of two vectors", size="outer"),
    _row("mv", "A, x", ("outer(g, x)", "A.T @ g"), "matrix times vector"),
    _row("kron", "A, B", ("", ""), "Kronecker product", size="outer"),
    _row(
        "transpose",
        "A, dim0:int=None, dim1:int=None",
        ("g.T",),
        "transpose; A.T means the same",
        torch="engine.transpose",
        aliases=("t", "Transpose"),
    ),
    _row(
        "mT",
        "A",
        ("mT(g)",),
        "transpose of the last two axes, A.mT",
        torch="engine.matrix_transpose",
        symbolic="transpose(A)",
    ),
    _row("trace", "A", ("g*diag(0*diag(A) + 1)",), "sum of the diagonal", aliases=("Trace", "tr")),
    _row(
        "diag",
        "A",
        ("diag(g)",),
        "diagonal of a matrix, or diagonal matrix of a vector",
        size="diagonal",
    ),
    _row("diagonal", "A", ("diag(g)",), "diagonal of a matrix", symbolic="diag(A)"),
    _row("tril", "A, diagonal:int=0", ("tril(g)",), "lower triangle", size="same"),
    _row("triu", "A, diagonal:int=0", ("triu(g)",), "upper triangle", size="same"),
    _row(
        "det",
        "A",
        ("g*y*inv(A).T",),
        "determinant",
        torch="torch.linalg.det",
        accurate="special.determinant.det",
        aliases=("Determinant",),
    ),
    _row("logdet", "A", ("g*inv(A).T",), "logarithm of the determinant"),
    _row(
        "inv",
        "A",
        ("-y.T @ g @ y.T",),
        "inverse",
        torch="torch.linalg.inv",
        aliases=("inverse", "Inverse"),
        size="same",
    ),
    _row(
        "pinv",
        "A, rtol:number=None",
        ("",),
        "pseudo-inverse (Moore-Penrose)",
        torch="torch.linalg.pinv",
        symbolic="",
        aliases=("pinverse",),
        size="same",
    ),
    _row(
        "solve",
        "A, b",
        ("-outer(solve(A.T, g), y)", "solve(A.T, g)"),
        "x with A @ x = b",
        torch="torch.linalg.solve",
    ),
    _row(
        "cholesky",
        "A",
        ("",),
        "lower triangular L with L @ L.T = A; derivatives are those on symmetric matrices",
        torch="torch.linalg.cholesky",
        symmetric=True,
        size="same",
    ),
    _row(
        "matrix_exp",
        "A",
        ("",),
        "matrix exponential",
        torch="torch.linalg.matrix_exp",
        symbolic="",
        size="same",
    ),
    _row(
        "matrix_power",
        "A, n:int",
        ("",),
        "integer power of a matrix",
        torch="torch.linalg.matrix_power",
        size="same",
    ),
    _row(
        "eigvalsh",
        "A",
        ("",),
        "eigenvalues of a symmetric matrix, ascending; derivatives are those on such matrices",
        torch="torch.linalg.eigvalsh",
        symbolic="",
        symmetric=True,
    ),
    _row(
        "svdvals",
        "A",
        ("",),
        "singular values, descending",
        torch="torch.linalg.svdvals",
        symbolic="",
    ),
)
