"""LaTeX of Jacobians, Hessians, gradients and verdicts: compiled, with nothing cut off."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cli_runner import run

PAGE = (
    r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{amsmath}\allowdisplaybreaks"
    r"\begin{document}%s\end{document}"
)
DECAY = str(Path(__file__).parents[1] / "docs" / "decay.csv")
CASES: dict[str, tuple[str, ...]] = {
    "jacobian": ("jacobian", "[x1**2, x1*x2, x2**2]", "--at", "x1=2,x2=3"),
    "matrix inputs": ("jacobian", "A@A", "--at", "A=[[1,2],[3,4]]"),
    "wide formulas": (
        "jacobian",
        "softmax(W@x)",
        "--at",
        "W=[[1,2],[3,4]],x=[0.1,0.2]",
        "--wrt",
        "x",
    ),
    "names": (
        *("jacobian", "[x_1**2*sin(alpha_beta), exp(x_1)/alpha_beta, sqrt(_u), λ]"),
        *("--at", "x_1=2,alpha_beta=3,_u=2,λ=1", "--symbolic"),
    ),
    "20 by 20": ("jacobian", "x**2", "--at", "x=linspace(-1,1,20)", "--svd"),
    "not finite": ("jacobian", "[sqrt(x), log(x), 0*x]", "--at", "x=0"),
    "product": ("jacobian", "[x1**2, x1*x2]", "--at", "x1=2,x2=3", "--vjp", "1,-2"),
    "hessian": ("hessian", "100*(y-x**2)**2 + (1-x)**2", "--at", "x=1,y=1", "--trace"),
    "20 inputs": ("hessian", "sum(x)**2 + sum(x**4)", "--at", "x=linspace(-1,1,20)"),
    "of a matrix": ("hessian", "logdet(A@A.T)", "--at", "A=[[1,2],[3,5]]"),
    "grid": ("hessian", "x**2*y", "--at", "y=2", "--grid", "x=0:1:3"),
    "gradient": ("grad", "alpha_beta**2*sin(x)/(1+exp(-x))", "--at", "alpha_beta=1,x=2"),
    "check": ("check", "x**2*y", "--at", "x=2,y=3", "--against", "x: 2*x*y+1; y: x**2"),
    "kink": ("check", "abs(x_1) + relu(_y) + x_1 % 3", "--at", "x_1=0,_y=0"),
    "cancellation": ("check", "(exp(x)-1-x)/x**2", "--at", "x=1e-9", "--order", "2"),
    "quadratic": ("fit", "quadratic", "x**2+x*y+2*y**2-3*x", "--start", "x=0,y=5"),
    "slope": ("fit", "quadratic", "x_a**2 - 3*λ", "--start", "x_a=1,λ=0", "--steps", "5"),
    "30 parameters": ("fit", "quadratic", "sum(v**2)-3*sum(v)", "--start", "v=zeros(30)"),
    "minimize": ("fit", "minimize", "100*(y-x**2)**2+(1-x)**2", "--start", "x=-1.2,y=1"),
    "mlp": ("fit", "mlp", "--steps", "10"),
    "rates": (
        *("fit", "quadratic", "(x-3)**2+(y-2)**2", "--start", "x=0,y=0", "--steps", "20"),
        *("--sweep-lr", "0.1:1.1:4"),
    ),
    "optimizers": (
        *("fit", "quadratic", "(x-3)**2+(y-2)**2", "--start", "x=0,y=0", "--steps", "20"),
        *("--compare", "gd,momentum,newton"),
    ),
    "regression": ("fit", "linear", "--quiet"),
    "predictions": (
        *("fit", "curve", "p + q*x + r*x**2 + s_a*x**3", "--data", DECAY, "--predict", DECAY),
    ),
    "condition": ("check", "where((x>0) & ~(x<1), x**2, x)", "--at", "x=1"),
}


@pytest.mark.parametrize("case", CASES)
def test_page(case: str, tmp_path: Path) -> None:
    if not shutil.which("pdflatex"):
        pytest.skip("LaTeX is not installed: apt-get install texlive-latex-recommended")
    out = run(*CASES[case], "--format", "latex").out
    assert out
    (tmp_path / "page.tex").write_text(PAGE % out, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log
    assert "Overfull" not in log, out


def test_reasons_are_in_words() -> None:
    out = run("check", "abs(x)", "--at", "x=0", "--format", "latex").out
    assert r"inconclusive} \\" in out
    assert r"  & \text{\small a kink: the derivative is -1 from the left and 1" in out


def test_zero_has_no_sign() -> None:
    out = run("hessian", "100*(y-x**2)**2 + (1-x)**2", "--at", "x=1,y=1", "--format", "latex").out
    assert r"\nabla f &= \begin{pmatrix} 0 \\ 0 \end{pmatrix}" in out
