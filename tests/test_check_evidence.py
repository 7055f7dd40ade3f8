"""What a check may approve: claims, zeros, what `detach` holds, functions of symmetric matrices.

Truths are mpmath's at 50 digits, or stand there by definition.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from check_cases import InProcess, evidence, examined
from cli_runner import Outcome, run
from mpmath import mp, mpf

from autograd_cli.commands import check as command
from autograd_cli.engine.check.vanishing import vanishing
from autograd_cli.engine.check.verdict import judge
from autograd_cli.engine.core.context import resolve
from autograd_cli.engine.derive.gradients import point
from autograd_cli.language.detached import holds, released
from autograd_cli.language.functions import FUNCTIONS
from autograd_cli.language.points import read_values
from autograd_cli.language.reader import read
from autograd_cli.settings import Settings


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "Referee", lambda *seconds: InProcess())


def check(*words: str) -> Outcome:
    return run("check", *words)


def found(*words: str) -> list[dict[str, Any]]:
    components: list[dict[str, Any]] = json.loads(check(*words, "--json").out)["components"]
    return components


def verdicts(*words: str) -> set[str]:
    return {one["verdict"] for one in found(*words)}


# Claims ------------------------------------------------------------------------------------------

LOGISTIC = "1/(1+exp(-sum(v)))"  # of 40 numbers there is no formula


def logistic_slope(total: float) -> mpf:
    with mp.workdps(50):
        return mp.exp(-total) / (1 + mp.exp(-total)) ** 2


@pytest.mark.parametrize(
    ("at", "claim", "verdict"),
    [
        ("v=ones(40)", "5e-16*ones(40)", "inconclusive"),  # 118 times too large
        ("v=ones(40)", "0*v", "inconclusive"),
        ("v=ones(40)", "exp(-sum(v))*ones(40)", "inconclusive"),  # right, which nobody can tell
        ("v=ones(40)", "0.01*ones(40)", "disagree"),
        ("v=20*ones(40)", "0*v", "inconclusive"),  # autograd's 0 is an underflow
        ("v=20*ones(40)", "1e-300*ones(40)", "inconclusive"),
        ("v=ones(40)/40", "exp(-sum(v))/(1+exp(-sum(v)))**2*ones(40)", "agree"),
        ("v=ones(40)/40", "1.00001*exp(-sum(v))/(1+exp(-sum(v)))**2*ones(40)", "disagree"),
        # with a formula, the referee settles what the ladder cannot
        ("v=2*ones(20)", "exp(-sum(v))*ones(20)", "agree"),
        ("v=2*ones(20)", "5e-16*ones(20)", "disagree"),
        ("v=2*ones(20)", "0*v", "disagree"),
    ],
)
def test_a_claim_is_right_where_a_wrong_one_could_be_told_from_it(
    at: str, claim: str, verdict: str
) -> None:
    components = found(LOGISTIC, "--at", at, "--against", f"v: {claim}")
    assert {one["verdict"] for one in components} == {verdict}
    total = sum(point(read_values([at]), resolve(Settings.checked("cpu", "float64")))["v"].tolist())
    for one in components:
        if verdict == "agree":
            assert one["claimed"] == pytest.approx(float(logistic_slope(total)), rel=1e-9)
        if verdict == "disagree":
            assert abs(one["claimed"] / float(logistic_slope(total)) - 1) > 5e-6


@pytest.mark.parametrize(
    ("source", "at", "claim", "verdict"),
    [
        ("tanh(x)", "x=20", "1/cosh(x)**2", "agree"),
        ("tanh(x)", "x=20", "1-tanh(x)**2", "inconclusive"),  # right, but for its own rounding
        ("tanh(x)", "x=20", "2e-17", "disagree"),
        ("x-x+y", "x=3,y=1", "x: 0*x; y: 1", "agree"),
        ("x-x+y", "x=3,y=1", "x: 1e-13; y: 1", "disagree"),  # near 0 is not 0
        ("1e-20*(x-x)+y", "x=3,y=1", "x: 1e-25; y: 1", "disagree"),
        ("x-x+y", "x=3,y=1", "x: (0.1+0.2)*x-0.3*x; y: 1", "agree"),  # 0, up to its rounding
        ("(1-cos(x))/x**2", "x=1e-8", "-x/12", "agree"),  # of autograd's none is right
        ("exp(-x)", "x=800", "0", "agree"),  # 3.7e-348 as a float
        ("exp(-x)", "x=800", "-1e-310", "disagree"),
    ],
)
def test_claims_near_zero(source: str, at: str, claim: str, verdict: str) -> None:
    components = found(source, "--at", at, "--against", claim)
    assert components[0]["verdict"] == verdict


def test_claims_of_many_points_are_judged_one_by_one() -> None:
    words = ("tanh(x)", "--grid", "x=0:20:5", "--against")
    assert verdicts(*words, "1/cosh(x)**2") == {"agree"}
    assert "inconclusive" in verdicts(*words, "1-tanh(x)**2")
    assert "disagree" in verdicts(*words, "1/cosh(x)")


def test_a_claim_against_a_single_precision_is_held_against_the_exact_derivative() -> None:
    words = ("sum(sort(v)**2)", "--at", "v=linspace(1,2,40)", "--dtype", "float32", "--against")
    assert verdicts(*words, "2*v") == {"agree"}
    assert verdicts(*words, "2.00001*v") == {"disagree"}


# Zeros -------------------------------------------------------------------------------------------


def without_formula(source: str, at: str) -> set[str]:
    return {judge(one)[0] for one in evidence(examined(source, at), referee=False)}


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("relu(x)*y + y**2 - y**2", "x=-2,y=0"),
        ("0*x", "x=3"),
        ("x**4", "x=0"),
        ("floor(x)", "x=2.5"),
        ("clamp(x, None, 5)", "x=7"),
        ("min(max(x, 1), 3)", "x=5"),
        ("where(x > 0, 1, x**2)", "x=2"),
        ("sum(relu(A@[-1, -2]))", "A=[[1,2],[3,4]]"),
        ("cos(x)", "x=0"),
    ],
)
def test_a_zero_that_the_expression_shows_is_right(source: str, at: str) -> None:
    found_there = evidence(examined(source, at), referee=False)
    zeros = [one for one in found_there if one.autograd == 0 and one.kind() == "smooth"]
    assert zeros
    assert {judge(one)[0] for one in zeros} == {"agree"}


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("tanh(x)", "x=20"),  # 1.7e-17
        ("sigmoid(x)*1", "x=800"),
        ("exp(-x)", "x=800"),
        ("exp(-x**2)*y", "x=40,y=1"),
        ("relu(exp(-x))", "x=800"),
        ("exp(-800)*x", "x=1"),  # a factor that has underflowed
        ("softplus(x)", "x=-800"),
        ("sum(matmul([[1, 2]], [tanh(x), 1]))", "x=20"),
    ],
)
def test_a_zero_that_only_rounding_shows_is_open(source: str, at: str) -> None:
    one = evidence(examined(source, at), referee=False)[0]
    assert one.autograd == 0
    assert judge(one)[0] == "inconclusive"


@pytest.mark.parametrize(
    ("at", "verdict"), [("v=20*ones(40)", "inconclusive"), ("v=zeros(40)", "agree")]
)
def test_a_zero_within_the_error_bar_only_is_inconclusive(at: str, verdict: str) -> None:
    """exp(-800) is no 0, and the slope of a logistic at 0 is none."""
    assert verdicts(LOGISTIC, "--at", at) == {verdict}
    assert verdicts("sum(v**4)", "--at", "v=zeros(40)") == {"agree"}


def test_what_is_not_chosen_has_no_influence() -> None:
    components = found("max(v) + sum(relu(v-0.5))", "--at", "v=linspace(0,1,40)")
    assert {one["verdict"] for one in components} == {"agree"}
    assert [one["autograd"] for one in components[:20]] == [0.0] * 20


def test_second_derivatives_of_what_does_not_interact_are_zero() -> None:
    words = ("sum(softplus(v)) + dot(v, w)", "--at", "v=ones(20),w=ones(20)", "--order", "2")
    assert verdicts(*words) == {"agree"}


@pytest.mark.parametrize("seed", range(5))
def test_no_certain_zero_has_an_influence(seed: int) -> None:
    """Random networks of rectifiers: what is 0 for certain is 0 when moved."""
    context = resolve(Settings.checked("cpu", "float64", seed))
    source = "sum(relu(W@relu(A@x+b))*max(x)) + min(b)*relu(sum(x))"
    given = read_values(["A=randn(4,3),W=randn(2,4),x=randn(3),b=randn(4)"])
    expression = read(source, given=list(given))
    at = point(given, context)
    masks = vanishing(expression, at, context)
    from autograd_cli.engine.core.evaluate import evaluate, output

    def value(moved: dict[str, torch.Tensor]) -> float:
        return output(expression, evaluate(expression, moved, context), context).item()

    assert any(mask.any() for mask in masks.values())
    for name, mask in masks.items():
        for index in mask.nonzero().tolist():
            for step in (1e-6, -1e-6):
                moved = {key: tensor.clone() for key, tensor in at.items()}
                moved[name][tuple(index)] += step
                assert value(moved) == pytest.approx(value(at), abs=1e-14)


# What `detach` holds -----------------------------------------------------------------------------


def test_a_derivative_with_something_held_is_not_that_of_the_value() -> None:
    outcome = check("detach(x)*x", "--at", "x=3", "--json")
    content = json.loads(outcome.out)
    (one,) = content["components"]
    assert outcome.code == 0
    assert content["verdict"] == one["verdict"] == "inconclusive"
    assert (one["kind"], one["autograd"]) == ("detached", 3.0)
    assert one["numerical"] == pytest.approx(6.0, abs=one["error_bar"])
    assert one["exact"] == 6.0
    assert one["note"] == "detach holds x fixed: 3 with it held, the value itself changes by 6"
    assert check("detach(x)*x", "--at", "x=3", "--strict").code == 1


@pytest.mark.parametrize(
    ("source", "at", "held", "whole"),
    [
        ("x + detach(round(x)-x)", "x=2.3", 1, 0),  # straight through
        ("x*detach(x**2)", "x=3", 9, 27),
        ("detach(x)**2", "x=3", 0, 6),
        ("u = x**2; detach(u)*x", "x=3", 9, 27),
        ("x*detach(y) + detach(x)*y + x**2", "x=2,y=5", 9, 14),
        ("sum(sort(detach(v))*v)", "v=linspace(1,2,40)", 1, 2),  # without a formula
    ],
)
def test_both_derivatives_are_told(source: str, at: str, held: float, whole: float) -> None:
    one = found(source, "--at", at)[0]
    assert (one["verdict"], one["kind"]) == ("inconclusive", "detached")
    assert one["autograd"] == pytest.approx(held)
    assert one["numerical"] == pytest.approx(whole, abs=max(one["error_bar"], 1e-9))
    assert one["note"].endswith(f" fixed: {held} with it held, the value itself changes by {whole}")


@pytest.mark.parametrize(
    ("source", "at", "verdict"),
    [
        ("x + detach(0*x)", "x=3", "agree"),  # nothing of what is held moves
        ("x*detach(y)", "x=3,y=2", "agree"),
        ("detach(5)*x", "x=3", "agree"),
        ("detach(floor(x))*x", "x=2.5", "agree"),
        ("detach(sin(x))*(1-cos(x))/x**2", "x=1e-8", "disagree"),  # wrong even so
    ],
)
def test_where_detach_changes_nothing_autograd_is_judged(
    source: str, at: str, verdict: str
) -> None:
    one = found(source, "--at", at)[0]
    assert one["verdict"] == verdict
    assert "detach" not in one["note"]
    assert one["kind"] == "smooth"


def test_what_is_held_does_not_jump() -> None:
    """round jumps at 2.5; with it held the derivative is 1."""
    (one,) = found("x + detach(round(x)-x)", "--at", "x=2.5")
    assert one["note"].endswith("1 with it held, the value itself has no derivative here (jump)")
    assert (one["kind"], one["numerical"], one["exact"]) == ("detached", None, None)


def test_second_derivatives_and_many_points() -> None:
    second = found("detach(x)*x", "--at", "x=3", "--order", "2")[1]
    assert second["note"].endswith("0 with it held, the value itself changes by 2")
    for more in (("--samples", "3"), ("--grid", "x=1:3:3")):
        assert {one["kind"] for one in found("detach(x)*x", *more)} == {"detached"}


@pytest.mark.parametrize(
    ("claim", "verdict"), [("x", "inconclusive"), ("2*x", "inconclusive"), ("3*x", "disagree")]
)
def test_a_claim_beside_detach(claim: str, verdict: str) -> None:
    (one,) = found("detach(x)*x", "--at", "x=3", "--against", claim)
    assert one["verdict"] == verdict
    assert "3 with it held, the value itself changes by 6" in one["note"]


def test_the_expression_without_detach() -> None:
    expression = read("u = x*y; detach(detach(u) + x)*sin(x) + detach(3)")
    assert holds(expression) == "detach holds u and detach(u) + x fixed"
    free = released(expression)
    assert holds(free) == ""
    assert list(free.variables) == ["x", "y"]
    assert set(free.steps.values()) == {"u"}


# Functions of symmetric matrices -----------------------------------------------------------------

AT = "A=[[2,1],[1,3]]"


def eigenvalue_slope(i: int, j: int, number: int) -> float:
    """Of an eigenvalue of (A+A.T)/2 by A[i,j], by central differences at 50 digits."""
    with mp.workdps(50):
        step = mpf(10) ** -15

        def value(sign: int) -> mpf:
            matrix = mp.matrix([[2, 1], [1, 3]])
            matrix[i, j] += sign * step
            return mp.eigsy((matrix + matrix.T) / 2, eigvals_only=True)[number]

        return float((value(1) - value(-1)) / (2 * step))


def test_eigenvalues_are_differentiated_on_symmetric_matrices() -> None:
    components = found("eigvalsh(A)[1] + A[0,1]", "--at", AT)
    for one, (i, j) in zip(components, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
        assert (one["verdict"], one["note"]) == ("agree", "on symmetric matrices")
        truth = eigenvalue_slope(i, j, 1) + ((i, j) == (0, 1))
        assert one["autograd"] == pytest.approx(truth, rel=1e-12)
        assert abs(one["numerical"] - truth) <= one["error_bar"]
    assert check("eigvalsh(A)[1]", "--at", AT).code == 0


def test_cholesky_is_judged_by_the_same_rule() -> None:
    for one in found("sum(cholesky(A)**2)*y", "--at", f"{AT},y=2"):
        assert one["verdict"] == "agree"
        assert one["note"] == ("" if one["input"] == "y" else "on symmetric matrices")
        assert one["numerical"] == pytest.approx(one["exact"], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("row", [row.name for row in FUNCTIONS.values() if row.symmetric])
def test_an_operand_that_is_not_symmetric_is_told_with_its_cure(row: str) -> None:
    for operand, inner in (("A", "A"), ("A@B", "(A@B)")):
        at = "A=[[2,1],[0.5,3]],y=2" + (",B=[[1,0.2],[0.1,1]]" if "B" in operand else "")
        source = f"sum({row}({operand})**2 * [[1,2],[3,4]])*y"
        for one in found(source, "--at", at):
            assert one["verdict"] == "inconclusive"
            assert f"{operand} is not symmetric here" in one["note"]
            cure = f"{row}(({operand}+{inner}.T)/2)"
            assert one["note"].endswith(f": write {cure}")
        mended = source.replace(f"{row}({operand})", cure)
        for one in found(mended, "--at", at):
            assert (one["verdict"], one["note"]) == ("agree", "")


@pytest.mark.parametrize("source", ["eigvalsh(B.T@B)[1]", "sum(cholesky(B@B.T))"])
@pytest.mark.parametrize("order", ["1", "2"])
def test_operands_that_stay_symmetric_need_no_word(source: str, order: str) -> None:
    for one in found(source, "--at", "B=[[2,1],[0.5,3]]", "--order", order):
        assert one["verdict"] == "agree"
        assert "symmetric" not in one["note"]


def test_a_named_operand_is_called_by_its_name() -> None:
    one = found("M = A*2; eigvalsh(M)[0]", "--at", "A=[[2,1],[0,3]]")[0]
    assert one["note"].endswith("M is not symmetric here: write eigvalsh((M+M.T)/2)")


def test_claims_of_functions_of_symmetric_matrices() -> None:
    slopes = [[eigenvalue_slope(i, j, 1) for j in range(2)] for i in range(2)]
    claim = f"A: {json.dumps(slopes)}"
    components = found("eigvalsh(A)[1]", "--at", AT, "--against", claim)
    assert {one["verdict"] for one in components} == {"agree"}
    components = found("eigvalsh(A)[1]", "--at", "A=[[2,1],[0,3]]", "--against", claim)
    assert {one["verdict"] for one in components} == {"inconclusive"}


def test_the_list_of_functions_says_it() -> None:
    for row in FUNCTIONS.values():
        content = json.loads(run("functions", row.name, "--json").out)["functions"][0]
        assert ("on symmetric matrices" in content["note"]) == row.symmetric
        if row.symmetric:
            assert f"{row.name}((A+A.T)/2)" in content["note"]
            assert "derivatives are those on" in run("functions", row.name).out
