"""Names of variables in LaTeX: one setting everywhere, which reads back as the same name."""

from __future__ import annotations

import pytest
from cli_runner import run
from hypothesis import given
from hypothesis import strategies as st

from autograd_cli.language.greek import LARGE_GREEK, SMALL_GREEK
from autograd_cli.language.latex import translate
from autograd_cli.language.latex_symbols import symbol_latex

HEADS = st.sampled_from(["x", "A", "k", "theta", "Omega", "sigma"])
PARTS = st.lists(
    st.sampled_from(["1", "0", "i", "j", "max", "in", "theta"]), min_size=0, max_size=3
)
ACCENTS = st.sampled_from([[], ["dot"], ["bar"], ["hat"], ["tilde"], ["vec"], ["ddot"]])


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"),
        ("x1", "x_{1}"),
        ("x_1", "x_{1}"),
        ("alpha2", r"\alpha_{2}"),
        ("Alpha", r"\mathrm{A}"),
        ("omicron", r"\mathrm{o}"),
        ("θ", r"\theta"),
        ("λ_max", r"\lambda_{\mathrm{max}}"),
        ("speed", r"\mathrm{speed}"),
        ("speed_max", r"\mathrm{speed\_max}"),
        ("theta_dot", r"\dot{\theta}"),
        ("x_bold", r"\mathbf{x}"),
        ("x_n_plus_1", "x_{n+1}"),
        ("k_plus", "k_{+}"),
        ("x_i_j", "x_{i,j}"),
        ("x_dot_i", r"\dot{x}_{i}"),
        ("x_i_dot", r"x_{i,\mathrm{dot}}"),
        ("A[0,1]", "A_{0,1}"),
        ("x_1[0]", "{x_{1}}_{0}"),
        ("_x", r"\mathrm{\_x}"),
    ],
)
def test_a_name(name: str, latex: str) -> None:
    assert symbol_latex(name) == latex


@given(HEADS, ACCENTS, PARTS)
def test_what_is_set_reads_back(head: str, accent: list[str], parts: list[str]) -> None:
    name = "_".join([head, *accent, *parts])
    assert translate(symbol_latex(name)).text == name


@pytest.mark.parametrize("name", ["Alpha", "mu_x", "speed", "omicron", "theta_dot", "x_i_j", "v1"])
@pytest.mark.parametrize("words", [("grad",), ("hessian",), ("check",), ("explain",)])
def test_a_variable_is_set_in_one_way(name: str, words: tuple[str, ...]) -> None:
    found = run(*words, f"{name}**2", "--at", f"{name}=2", "-f", "latex").out
    assert symbol_latex(name) in found
    assert found.count("texttt") <= 1  # of the expression as it was typed
    assert "mathit" not in found


def test_no_greek_letter_is_left_out() -> None:
    assert len(SMALL_GREEK + LARGE_GREEK) == 48
