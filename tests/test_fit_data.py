"""`agx fit linear` and `agx fit curve` on data: what they find, print and refuse."""

from __future__ import annotations

import functools
import itertools
import json
import math
import random
import shlex
import signal
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import nist
import pytest
import torch
from cli_runner import PROGRAM, Outcome, environment, run
from golden_files import Golden, rounded

from autograd_cli.commands.fit import curve, linear
from autograd_cli.engine.fit import rational
from autograd_cli.engine.fit.least_squares import solve
from autograd_cli.engine.fit.student import quantile
from autograd_cli.engine.special.double_double import DoubleDouble, exact, times, transposed_times
from autograd_cli.errors import EvaluationError
from autograd_cli.language.linearity import is_linear
from autograd_cli.language.reader import read

DECAY = Path(__file__).parent.parent / "docs" / "decay.csv"
Updated = Callable[[torch.Tensor, torch.Tensor], Callable[[], None]]
GOLDEN = Golden("fit", key=rounded)
MODEL, START = "a*exp(-b*x) + c", "a=1,b=1,c=0"


def found(outcome: Outcome, code: int = 0) -> dict[str, object]:
    assert (outcome.code, outcome.err) == (code, "")
    content: dict[str, object] = json.loads(outcome.out)
    return content


def write(folder: Path, text: str, name: str = "d.csv") -> str:
    file = folder / name
    file.write_bytes(text.encode())
    return str(file)


# Exact arithmetic -------------------------------------------------------------------------------


def fraction(value: DoubleDouble) -> list[Fraction]:
    pairs = zip(value.hi.flatten().tolist(), value.lo.flatten().tolist(), strict=True)
    return [Fraction(high) + Fraction(low) for high, low in pairs]


def drawn(count: int, seed: int) -> DoubleDouble:
    generator = torch.Generator().manual_seed(seed)
    high = torch.randn(count, dtype=torch.float64, generator=generator)
    low = torch.randn(count, dtype=torch.float64, generator=generator) * 2.0**-54 * high
    total = high + low
    return DoubleDouble(total, low - (total - high))


@pytest.mark.parametrize("sign", ["+", "-", "*", "/"])
def test_double_double_has_a_hundred_bits(sign: str) -> None:
    a, b = drawn(200, 1), drawn(200, 2)
    operations = {
        "+": (a + b, Fraction.__add__),
        "-": (a - b, Fraction.__sub__),
        "*": (a * b, Fraction.__mul__),
        "/": (a / b, Fraction.__truediv__),
    }
    result, right = operations[sign]
    for one, x, y in zip(fraction(result), fraction(a), fraction(b), strict=True):
        truth = right(x, y)
        size = abs(x) + abs(y) if sign in "+-" else abs(truth)
        assert abs(one - truth) <= size * Fraction(2) ** -100


def test_double_double_powers_roots_and_sums() -> None:
    a = drawn(101, 3)
    values = fraction(a)
    for power in (0, 1, 2, 7, 10, -3):
        for one, x in zip(fraction(a.power(power)), values, strict=True):
            assert abs(one - x**power) <= abs(x**power) * Fraction(2) ** -97
    for one, x in zip(fraction((a * a).sqrt()), values, strict=True):
        assert abs(one - abs(x)) <= abs(x) * Fraction(2) ** -98
    total = fraction(a.sum())[0]
    assert abs(total - sum(values)) <= sum(map(abs, values)) * Fraction(2) ** -98


def test_double_double_products_of_matrices() -> None:
    flat, other = drawn(12, 4), drawn(8, 5)
    matrix = DoubleDouble(flat.hi.reshape(4, 3), flat.lo.reshape(4, 3))
    vectors = DoubleDouble(other.hi.reshape(4, 2), other.lo.reshape(4, 2))
    a, b = fraction(matrix), fraction(vectors)
    product = fraction(transposed_times(matrix, vectors))
    for i in range(3):
        for k in range(2):
            truth = sum((a[3 * j + i] * b[2 * j + k] for j in range(4)), Fraction())
            assert abs(product[2 * i + k] - truth) <= Fraction(2) ** -90
    again = fraction(times(matrix, DoubleDouble(vectors.hi[:3], vectors.lo[:3])))
    for j in range(4):
        for k in range(2):
            truth = sum((a[3 * j + i] * b[2 * i + k] for i in range(3)), Fraction())
            assert abs(again[2 * j + k] - truth) <= Fraction(2) ** -90


@pytest.mark.parametrize("degree", [3, 8, 12, 16])
def test_polynomials_whatever_their_condition(degree: int) -> None:
    """Against the exact solution; beyond degree 12 float64 cannot tell the powers apart."""
    generator = random.Random(degree)
    x = torch.tensor([i / 10 for i in range(1, 41)], dtype=torch.float64)
    y = torch.tensor([generator.gauss(0, 1) for _ in x], dtype=torch.float64)
    columns = [DoubleDouble(x).power(k) for k in range(degree + 1)]
    matrix = DoubleDouble(
        torch.stack([one.hi for one in columns], 1), torch.stack([one.lo for one in columns], 1)
    )
    solution = solve(matrix, DoubleDouble(y), [f"b{k}" for k in range(degree + 1)])
    truth = nist.exact(rational.fractions(matrix), [Fraction(v) for v in y.tolist()])
    names = [f"b{k}" for k in range(degree + 1)]
    right = dict(zip(names, truth.parameters, strict=True))
    assert nist.digits(dict(zip(names, solution.parameters.tolist(), strict=True)), right) >= 15
    diagonal = {name: truth.inverse[k][k] for k, name in enumerate(names)}
    inverse = dict(zip(names, solution.inverse.diagonal().tolist(), strict=True))
    assert nist.digits(inverse, diagonal) >= 12


def test_columns_that_depend_on_each_other_are_named() -> None:
    x = torch.arange(5, dtype=torch.float64)
    matrix = DoubleDouble(torch.stack([torch.ones(5), x, 2 * x - 1], 1).double())
    with pytest.raises(
        EvaluationError, match="the data cannot tell 'c' from the parameters before"
    ):
        solve(matrix, exact(1.0, x), ["a", "b", "c"])


@pytest.mark.parametrize("degrees", [1, 2, 3, 8, 21, 98, 999, 1000, 12345])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_quantiles_of_student(degrees: int, confidence: float) -> None:
    probability = 0.5 + confidence / 2
    t = mpmath.mpf(quantile(probability, degrees))
    with mpmath.workdps(30):
        half = mpmath.mpf(degrees) / 2
        tail = mpmath.betainc(half, 0.5, 0, degrees / (degrees + t * t), regularized=True) / 2
        density = mpmath.gamma(half + 0.5) / mpmath.gamma(half) / mpmath.sqrt(degrees * mpmath.pi)
        density *= (1 + t * t / degrees) ** (-half - 0.5)
        error = (tail - (1 - mpmath.mpf(probability))) / density / t
    assert abs(error) < 1e-13


# What is found ----------------------------------------------------------------------------------


def test_a_column_may_stand_in_an_exponent_of_a_linear_model(tmp_path: Path) -> None:
    rows = "".join(f"{x},{3 * 2.0**x - 5!r}\n" for x in range(8))
    file = write(tmp_path, "x,y\n" + rows)
    content = found(run("fit", "linear", "--model", "a*2**x + b", "--data", file, "--json"))
    assert content["parameters"] == {"a": 3.0, "b": -5.0}


def test_a_curve_without_noise_is_found_exactly(tmp_path: Path) -> None:
    rows = "".join(f"{x},{2 * math.exp(-0.5 * x) + 1!r}\n" for x in range(12))
    file = write(tmp_path, "x,y\n" + rows)
    content = found(run("fit", "curve", MODEL, "--data", file, "--start", START, "--json"))
    assert nist.digits(content["parameters"], {"a": 2, "b": 0.5, "c": 1}) >= 14  # type: ignore[arg-type]
    assert content["r_squared"] == pytest.approx(1, abs=1e-15)


STARTS = ("a=1,b=1000,c=0", "a=1,b=-1000,c=0", "a=1,b=-100,c=1", "a=3e4,b=7e3,c=1e4", "a=0,b=0,c=0")


@pytest.mark.parametrize("start", STARTS)
def test_a_curve_is_found_from_far_away(start: str) -> None:
    """The model vanishes, overflows, or does not depend on a parameter there."""
    near = json.loads(
        run("fit", "curve", MODEL, "--data", str(DECAY), "--start", START, "--json").out
    )
    far = run("fit", "curve", MODEL, "--data", str(DECAY), "--start", start, "--json")
    content = json.loads(far.out)
    assert far.code == 0
    assert nist.digits(content["parameters"], near["parameters"]) >= 10
    named = {part.split("=")[0]: float(part.split("=")[1]) for part in start.split(",")}
    begun_at_start = content["initial"] == named
    assert begun_at_start or content["warnings"]


def test_statistics_are_those_of_the_normal_equations() -> None:
    """Of a weighted straight line, in rational arithmetic."""
    x, y, w = [1, 2, 3, 5, 8], [1.5, 3.25, 4.0, 8.5, 11.0], [1, 4, 1, 2, 0.5]
    text = "x,y,w\n" + "".join(f"{a},{b},{c}\n" for a, b, c in zip(x, y, w, strict=True))
    words = ("fit", "curve", "p + q*x", "--data", "-", "--weights", "w", "--json")
    content = found(run(*words, stdin=text))
    weights = [Fraction(v) for v in w]
    sums = {
        key: sum(
            (
                one * Fraction(a) ** i * Fraction(b) ** j
                for one, a, b in zip(weights, x, y, strict=True)
            ),
            Fraction(),
        )
        for key, (i, j) in {
            "w": (0, 0),
            "x": (1, 0),
            "xx": (2, 0),
            "y": (0, 1),
            "xy": (1, 1),
            "yy": (0, 2),
        }.items()
    }
    determinant = sums["w"] * sums["xx"] - sums["x"] ** 2
    p = (sums["xx"] * sums["y"] - sums["x"] * sums["xy"]) / determinant
    q = (sums["w"] * sums["xy"] - sums["x"] * sums["y"]) / determinant
    assert nist.digits(content["parameters"], {"p": p, "q": q}) >= 15  # type: ignore[arg-type]
    rss = sums["yy"] - p * sums["y"] - q * sums["xy"]
    variance = rss / 3
    covariance = [
        [variance * sums["xx"] / determinant, -variance * sums["x"] / determinant],
        [-variance * sums["x"] / determinant, variance * sums["w"] / determinant],
    ]
    close = functools.partial(pytest.approx, rel=1e-12)
    assert content["covariance"] == [close([float(v) for v in row]) for row in covariance]
    assert content["rss"] == close(float(rss))
    assert content["residual_standard_error"] == close(math.sqrt(variance))
    assert (content["degrees_of_freedom"], content["observations"]) == (3, 5)
    total = sums["yy"] - sums["y"] ** 2 / sums["w"]
    assert content["r_squared"] == close(float(1 - rss / total))
    assert content["aic"] == close(5 * math.log(rss / 5) + 4)
    assert content["bic"] == close(5 * math.log(rss / 5) + 2 * math.log(5))
    errors = {"p": math.sqrt(covariance[0][0]), "q": math.sqrt(covariance[1][1])}
    assert content["standard_errors"] == close(errors)
    t = 3.182446305284263  # the 97.5% quantile of Student's t with 3 degrees of freedom, in tables
    assert content["confidence_intervals"] == {
        name: close([float(value) - t * errors[name], float(value) + t * errors[name]])
        for name, value in (("p", p), ("q", q))
    }
    r = float(covariance[0][1]) / errors["p"] / errors["q"]
    assert content["correlation"] == [close([1, r]), close([r, 1])]


def test_predictions_of_a_line_have_the_errors_of_the_textbook(tmp_path: Path) -> None:
    """s² (1/n + (x0 - mean)²/Sxx), and s² more for a further point (Draper & Smith, 1998, 3.1)."""
    x, y = [0, 1, 2, 3, 4, 6], [1.0, 2.9, 5.2, 7.1, 8.8, 13.1]
    data = write(tmp_path, "x,y\n" + "".join(f"{a},{b}\n" for a, b in zip(x, y, strict=True)))
    new = write(tmp_path, "x,other\n2.5,text\n10,more\n", "new.csv")
    words = ("fit", "linear", "--data", data, "--predict", new)
    content = found(run(*words, "--json", "--confidence", "0.9"))
    mean = sum(x) / 6
    spread = sum((v - mean) ** 2 for v in x)
    s = content["residual_standard_error"]
    assert isinstance(s, float)
    t = 2.1318467863266495  # 95% quantile, 4 degrees of freedom
    parameters = content["parameters"]
    for place, one in zip((2.5, 10.0), content["predictions"], strict=True):  # type: ignore[call-overload]
        error = s * math.sqrt(1 / 6 + (place - mean) ** 2 / spread)
        value = parameters["b0"] + parameters["b1"] * place  # type: ignore[index]
        wide = t * math.hypot(s, error)
        assert one["at"] == {"x": place}
        assert one["value"] == pytest.approx(value, rel=1e-13)
        assert one["standard_error"] == pytest.approx(error, rel=1e-12)
        assert one["confidence_interval"] == pytest.approx([value - t * error, value + t * error])
        assert one["prediction_interval"] == pytest.approx([value - wide, value + wide])
    rows = run(*words).out.splitlines()
    assert [row.split("\t")[0] for row in rows] == ["b0", "b1", "2.5", "10.0"]
    assert run(*words, "-f", "csv").out.splitlines()[0] == (
        "x,value,standard_error,confidence_low,confidence_high,prediction_low,prediction_high"
    )


def test_a_response_that_is_a_function(tmp_path: Path) -> None:
    data = write(tmp_path, "x,y\n" + "".join(f"{x},{math.exp(0.25 * x + 1)!r}\n" for x in range(9)))
    content = found(
        run("fit", "curve", "p + q*x", "--data", data, "--response", "log(y)", "--json")
    )
    assert nist.digits(content["parameters"], {"p": 1, "q": 0.25}) >= 14  # type: ignore[arg-type]
    assert content["response"] == "log(y)"


LINEAR_MODELS = {
    "p*x + q": True,
    "(p*sin(x) - q)/x": True,
    "-(p + 2*q*x**2)": True,
    "where(x > 3, p, q)*x": True,
    "u = p*x; u + q": True,
    "p*q*x": False,
    "p*x**q": False,
    "p/(q + x)": False,
    "sqrt(p)*x": False,
}


@pytest.mark.parametrize("model", LINEAR_MODELS)
def test_models_that_are_linear_are_known(model: str) -> None:
    assert is_linear(read(model), ("p", "q")) == LINEAR_MODELS[model]


def test_a_linear_model_needs_no_start_and_another_one_does() -> None:
    data = "x,y\n1,2\n2,3\n3,7\n"
    assert run("fit", "curve", "p*x + q", "--data", "-", stdin=data).code == 0
    outcome = run("fit", "curve", "p*x**q", "--data", "-", stdin=data)
    assert outcome.err.splitlines()[0] == "error: no start for 'p', 'q'"


def test_parameters_may_have_the_names_of_constants(tmp_path: Path) -> None:
    data = write(tmp_path, "N,y\n1,3\n2,5\n3,7\n4,9.5\n")
    content = found(
        run(
            "fit",
            "curve",
            "E*N + gamma + pi - lambda",
            "--data",
            data,
            "--start",
            "E=1,gamma=0,lambda=1",
            "--optimizer",
            "lm",
            "--json",
        ),
        code=1,
    )
    assert content["reason"] == "the data do not determine 'gamma' and 'lambda'"


def test_a_model_of_vectors_is_evaluated_row_by_row(tmp_path: Path) -> None:
    data = write(tmp_path, "x,y\n0,1\n1,3\n2,5\n3,7.5\n")
    vectors = found(
        run("fit", "curve", "[a, b] @ [1, x]", "--data", data, "--start", "a=0,b=0", "--json")
    )
    plain = found(run("fit", "curve", "a + b*x", "--data", data, "--json"))
    assert vectors["parameters"] == pytest.approx(plain["parameters"], rel=1e-12)


# The demonstration -------------------------------------------------------------------------------


def _updated_by_hand(w: torch.Tensor, b: torch.Tensor) -> Callable[[], None]:
    def update() -> None:
        assert w.grad is not None
        assert b.grad is not None
        with torch.no_grad():
            w.sub_(0.1 * w.grad)
            b.sub_(0.1 * b.grad)

    return update


def _updated_by_torch(w: torch.Tensor, b: torch.Tensor) -> Callable[[], None]:
    optimizer = torch.optim.SGD([w, b], lr=0.1)

    def update() -> None:
        optimizer.step()

    return update


@pytest.mark.parametrize(
    ("optimizer", "updated"),
    [((), _updated_by_hand), (("--optimizer", "sgd"), _updated_by_torch)],
    ids=["by hand", "torch.optim.SGD"],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", [42, 7])
def test_the_demonstration_is_the_textbooks_loop_bit_for_bit(
    dtype: str, seed: int, optimizer: tuple[str, ...], updated: Updated
) -> None:
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        torch.manual_seed(seed)
        x = torch.randn(100)
        y = 2 * x + 1 + 0.3 * torch.randn(100)
        w = torch.randn((), requires_grad=True)
        b = torch.randn((), requires_grad=True)
        update = updated(w, b)
        expected = []
        for epoch in range(101):
            loss = ((w * x + b - y) ** 2).mean()
            expected.append((epoch, loss.item(), w.item(), b.item()))
            loss.backward()
            update()
            w.grad, b.grad = None, None
    finally:
        torch.set_default_dtype(torch.float32)
    words = ("fit", "linear", "--seed", str(seed), "--dtype", dtype, *optimizer)
    outcome = run(*words)
    assert (outcome.code, outcome.err) == (0, "")
    lines = [line.split("\t") for line in outcome.out.splitlines()]
    steps = [(int(n), float(loss), float(w), float(b)) for n, loss, w, b in lines[:-2]]
    assert steps == expected
    assert lines[-2:] == [["w", repr(expected[-1][2])], ["b", repr(expected[-1][3])]]
    content = found(run(*words, "--json"))
    assert content["parameters"] == {"w": expected[-1][2], "b": expected[-1][3]}
    assert content["true"] == {"w": 2.0, "b": 1.0}
    rows = [[Fraction(1), Fraction(v)] for v in x.tolist()]
    truth = nist.exact(rows, [Fraction(v) for v in y.tolist()])
    right = dict(zip(("b", "w"), truth.parameters, strict=True))
    assert nist.digits(content["exact"], right) >= 14  # type: ignore[arg-type]


def test_batches_are_shuffled_as_the_textbook_does() -> None:
    torch.manual_seed(42)
    x = torch.randn(100, dtype=torch.float64)
    y = 2 * x + 1 + 0.3 * torch.randn(100, dtype=torch.float64)
    w = torch.randn((), dtype=torch.float64, requires_grad=True)
    b = torch.randn((), dtype=torch.float64, requires_grad=True)
    for _ in range(5):
        for rows in torch.randperm(100).split(20):
            loss = ((w * x[rows] + b - y[rows]) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                w -= 0.1 * w.grad
                b -= 0.1 * b.grad
            w.grad, b.grad = None, None
    outcome = run("fit", "linear", "--steps", "5", "--batch-size", "20", "--json")
    assert json.loads(outcome.out)["parameters"] == {"w": w.item(), "b": b.item()}


def _drawn() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(42)
    x = torch.randn(100, dtype=torch.float64)
    y = 2 * x + 1 + 0.3 * torch.randn(100, dtype=torch.float64)
    return torch.stack([x, torch.ones_like(x)], dim=1), y


def _intervals(matrix: torch.Tensor, y: torch.Tensor) -> list[tuple[float, float]]:
    """The 95% confidence intervals of least squares, from the textbook's formulas."""
    inverse = torch.linalg.inv(matrix.T @ matrix)
    solution = inverse @ matrix.T @ y
    variance = ((y - matrix @ solution) ** 2).sum() / 98
    half = 1.9844674545 * (variance * inverse.diagonal()).sqrt()  # Student's t, 98 degrees
    return list(zip((solution - half).tolist(), (solution + half).tolist(), strict=True))


@pytest.mark.parametrize("batch", ["1", "4", "16", "50"])
def test_batches_converge_to_within_the_confidence_intervals(batch: str) -> None:
    outcome = run("fit", "linear", "--batch-size", batch, "--json")
    found = json.loads(outcome.out)
    learned = found["parameters"].values()
    pairs = zip(learned, _intervals(*_drawn()), strict=True)
    inside = all(low <= value <= high for value, (low, high) in pairs)
    assert found["converged"] is inside
    assert outcome.code == (0 if inside else 1)
    assert "95% confidence interval" in found["reason"] or batch == "50"


def test_batches_of_16_are_no_failure() -> None:
    outcome = run("fit", "linear", "--batch-size", "16")
    assert outcome.code == 0
    assert outcome.err == ""


def test_batches_that_have_not_arrived_say_what_helps() -> None:
    outcome = run("fit", "linear", "--batch-size", "16", "--steps", "2", "--quiet")
    assert outcome.code == 1
    assert outcome.err == (
        "warning: not converged: w is outside the 95% confidence interval of exact least squares:"
        " more steps, larger batches or a --schedule with a falling rate bring it closer\n"
    )
    assert run("fit", "linear", "--batch-size", "1", "--schedule", "cosine").code == 0
    assert run("fit", "linear", "--batch-size", "16", "--tol", "1e-6").code == 1


def test_a_warning_about_one_of_several_optimizers_names_it(tmp_path: Path) -> None:
    data = tmp_path / "decay.csv"
    data.write_text("x,y\n" + "".join(f"{i},{3 * 0.5**i + 1 + i % 2 / 100}\n" for i in range(12)))
    words = ("--data", str(data), "--start", "a=1,b=1,c=0", "--compare", "lm,gd")
    outcome = run("fit", "curve", "a*exp(-b*x)+c", *words)
    assert outcome.code == 0
    assert outcome.err.startswith("warning: gd: the learning rate 0.1 is beyond ")


def test_the_same_seed_gives_the_same_bytes() -> None:
    words = ("fit", "linear", "--batch-size", "10", "--optimizer", "adam", "--format", "ndjson")
    assert run(*words).out == run(*words).out


# What is printed ---------------------------------------------------------------------------------

HEADER = ("schema", "command", "expression", "at", "dtype", "device", "value", "task")
COMMON = ("parameters", "initial", "loss", "steps", "converged", "reason")
SAID = (
    *("standard_errors", "confidence", "confidence_intervals", "covariance", "correlation", "rss"),
    *("residual_standard_error", "degrees_of_freedom", "observations", "r_squared", "aic", "bic"),
    "condition_number",
)


def test_the_keys_of_json() -> None:
    curve = found(run("fit", "curve", MODEL, "--data", str(DECAY), "--start", START, "--json"))
    assert tuple(curve) == (*HEADER, *COMMON, "response", "method", *SAID, "warnings")
    linear = found(run("fit", "linear", "--json"))
    assert tuple(linear) == (
        *HEADER,
        *COMMON,
        "response",
        "method",
        "true",
        "exact",
        *SAID,
        "warnings",
    )
    assert (linear["schema"], linear["command"], linear["steps"]) == ("agx/1", "fit", 100)
    assert linear["at"] == linear["parameters"]
    assert linear["value"] == linear["loss"]


def test_ndjson_is_a_record_a_step_and_the_result() -> None:
    words = ("fit", "curve", MODEL, "--data", str(DECAY), "--start", START)
    *steps, last = map(json.loads, run(*words, "--format", "ndjson").out.splitlines())
    assert [one["step"] for one in steps] == list(range(len(steps)))
    assert list(steps[0]) == [
        *("schema", "command", "step", "loss", "parameters", "gradient_norm", "learning_rate"),
    ]
    assert steps[0]["parameters"] == {"a": 1.0, "b": 1.0, "c": 0.0} == last["initial"]
    assert last == json.loads(run(*words, "--json").out)
    assert last["steps"] == steps[-1]["step"]


def test_every_and_quiet() -> None:
    lines = run("fit", "linear", "--every", "30").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["0", "30", "60", "90", "100", "w", "b"]
    assert len(run("fit", "linear", "--quiet").out.splitlines()) == 2


def test_a_fit_that_does_not_converge_is_exit_code_1() -> None:
    outcome = run("fit", "linear", "--steps", "3", "--json")
    assert (outcome.code, json.loads(outcome.out)["converged"]) == (1, False)
    outcome = run(
        "fit", "curve", MODEL, "--data", str(DECAY), "--start", START, "--steps", "2", "--json"
    )
    content = json.loads(outcome.out)
    assert (outcome.code, content["converged"]) == (1, False)
    assert content["reason"].startswith("2 steps taken (cosine ")


@pytest.mark.parametrize("optimizer", ["newton", "lbfgs", "adam"])
def test_other_optimizers_lead_to_the_same_curve(optimizer: str) -> None:
    words = ("fit", "curve", MODEL, "--data", str(DECAY), "--start", START, "--json")
    right = json.loads(run(*words).out)
    content = json.loads(run(*words, "--optimizer", optimizer, "--steps", "3000").out)
    assert content["parameters"] == pytest.approx(right["parameters"], rel=1e-3)
    assert content["standard_errors"] == pytest.approx(right["standard_errors"], rel=1e-2)


def test_ctrl_c_ends_it_with_what_there_is() -> None:
    words = [*PROGRAM, "fit", "linear", "--steps", "100000000", "--every", "100"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        seen = [running.stdout.readline() for _ in range(3)]
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read().splitlines()
        assert running.stderr.read() == ""
        assert running.wait(timeout=60) == 130
    assert [line.split("\t")[0] for line in seen] == ["0", "100", "200"]
    assert [line.split("\t")[0] for line in rest[-2:]] == ["w", "b"]


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    words = [*PROGRAM, "fit", "linear", "--steps", "100000000"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(timeout=60) == 141


# What is refused ---------------------------------------------------------------------------------

GOOD = "x,y,w,z\n1,2,1,0\n2,3.5,1,0\n3,4,2,0\n4,6,0,0\n"
CURVE = ("fit", "curve", "a*exp(b*x)", "--start", "a=1,b=1")
LINE = ("fit", "linear")
NO_DATA = "the model has no data variable: none of its names is a column of standard input"
COLUMNS = "  hint: the columns are: x, y, w, z\n"
IT_HAS = "  hint: it has: x, y, w, z\n"
NEEDED = "  hint: every row needs a number in 'x', 'y'\n"

REFUSED: list[tuple[str, tuple[str, ...], int, str]] = [
    ("x,y\n1,2\n2,\n3,4\n", LINE, 3, f"standard input, line 3: column 'y' is empty\n{NEEDED}"),
    (
        "x,y\n1,2\n2,abc\n",
        LINE,
        3,
        f"standard input, line 3: column 'y' is 'abc', which is no number\n{NEEDED}",
    ),
    ("x,y\n1,2\n2\n", LINE, 3, f"standard input, line 3: 1 cell, but 2 columns\n{NEEDED}"),
    (
        "x,y\n1,2\n",
        LINE,
        2,
        "1 observation cannot determine 2 parameters\n"
        "  hint: use more data or a model with fewer parameters\n",
    ),
    ("x,y\n", LINE, 3, "standard input has a header and no rows\n"),
    (
        "",
        LINE,
        3,
        "standard input is empty\n  hint: the first line holds the names of the columns: x,y\n",
    ),
    (
        "x,y\n1,2\n2,nan\n3,1\n",
        LINE,
        3,
        "the column 'y' is nan in row 2\n  hint: leave such rows out of the file\n",
    ),
    (
        GOOD,
        ("fit", "curve", "a*exp(b*t)", "--start", "a=1,b=1"),
        2,
        f"{NO_DATA}\n{COLUMNS}",
    ),
    (GOOD, ("fit", "curve", "a*b", "--start", "a=1,b=1"), 2, f"{NO_DATA}\n{COLUMNS}"),
    (
        GOOD,
        ("fit", "curve", "a*exp(b*x)", "--start", "a=1"),
        2,
        "no start for 'b'\n  a*exp(b*x)\n        ^\n"
        "  hint: add --start b=...; the columns are x, y, w, z\n",
    ),
    (
        GOOD,
        ("fit", "curve", "a*exp(b*x)"),
        2,
        "no start for 'a', 'b'\n  a*exp(b*x)\n  ^\n"
        "  hint: add --start a=...,b=...; the columns are x, y, w, z\n",
    ),
    (
        GOOD,
        ("fit", "curve", "a*exp(b*x)", "--start", "a=1,b=1,q=2"),
        2,
        "no 'q' in the expression, but in --start\n  hint: its variables: a, b, x\n",
    ),
    (
        GOOD,
        ("fit", "curve", "log(a*x)", "--start", "a=-1"),
        3,
        "the model has no value at the start, in row 1 (x = 1): the value is nan: log(a*x) is nan"
        " at a*x = -1 (log is differentiable where x > 0)\n"
        "  hint: choose a --start within the model's domain\n",
    ),
    (
        GOOD,
        ("fit", "curve", "a*x", "--response", "log(y - 2)"),
        3,
        "the response log(y - 2) is -inf in row 1\n"
        "  hint: a response needs a value in every row: leave the others out of the file\n",
    ),
    (
        GOOD,
        ("fit", "curve", "a*x", "--response", "log(v)"),
        2,
        "standard input has no column 'v', but the response needs it\n  log(v)\n      ^\n" + IT_HAS,
    ),
    (
        GOOD,
        (*CURVE, "--lr", "0.1"),
        2,
        "--lr is for gradient descent, and 'fit curve' does least squares here, in float64 on the"
        " CPU\n  hint: leave it out, or choose an optimizer: --optimizer adam\n",
    ),
    (
        GOOD,
        (*CURVE, "--y", "v"),
        2,
        f"standard input has no column 'v', but --y names it\n{IT_HAS}",
    ),
    (
        GOOD,
        (*CURVE, "--y", "x"),
        2,
        "'x' is the response, and the model uses it\n  a*exp(b*x)\n          ^\n"
        "  hint: name another column with --y\n",
    ),
    (
        GOOD,
        (*CURVE, "--y", "y", "--response", "y"),
        2,
        "--y and --response exclude each other\n  hint: leave one of them out\n",
    ),
    (
        "x,y,w\n1,2,1\n2,3,-1\n3,4,1\n",
        (*CURVE, "--weights", "w"),
        3,
        "the weight is -1.0 in row 2\n"
        "  hint: weights are not negative: 1/variance of each observation\n",
    ),
    (
        GOOD,
        ("fit", "linear", "--x", "x,v"),
        2,
        f"standard input has no column 'v', but --x names it\n{IT_HAS}",
    ),
    (
        GOOD,
        ("fit", "linear", "--x", "x,w", "--model", "a*x"),
        2,
        "the model does not use the column 'w', which --x names\n"
        "  hint: leave --x out: the model says which columns it needs\n",
    ),
    (
        GOOD,
        ("fit", "linear", "--x", "x,z"),
        3,
        "the data say nothing about 'b2' (the column 'z', 0 everywhere): what it multiplies is zero"
        " everywhere\n  hint: leave 'b2' out of the model\n",
    ),
    (
        GOOD,
        ("fit", "linear", "--model", "a*exp(b*x)"),
        2,
        "the model is not linear in its parameters\n  a*exp(b*x)\n    ^^^^^^^^\n"
        "  hint: agx fit curve takes it, with a start: --start a=...,b=...\n",
    ),
    *(
        (
            GOOD,
            ("fit", "linear", "--model", f"a*{power}"),
            2,
            f"the model is not linear in its parameters\n  a*{power}\n    ^^^^\n"
            "  hint: agx fit curve takes it, with a start: --start a=...,b=...\n",
        )
        for power in ("x**b", "b**x")
    ),
    (
        GOOD,
        ("fit", "curve", "x*w"),
        2,
        "the model has no parameters: every name in it is a column\n  hint: for example a*x + b\n",
    ),
    (
        GOOD,
        ("fit", "curve", "a*(x - mean(x))"),
        2,
        "a model is about one row of the data, and this is about a whole column\n"
        "  a*(x - mean(x))\n         ^^^^^^^\n"
        "  hint: write the number that it is: x - 3.2 instead of x - mean(x)\n",
    ),
    (
        GOOD,
        ("fit", "curve", "a*x > 1"),
        2,
        "no start for 'a'\n  a*x > 1\n  ^\n  hint: add --start a=...; the columns are x, y, w, z\n",
    ),
    (
        "a b,y\n1,2\n2,3\n",
        LINE,
        2,
        "standard input has no column that can be used besides the response\n"
        "  hint: rename 'a b': a name in expressions has letters, digits and _ alone\n",
    ),
]


@pytest.mark.parametrize(("data", "words", "code", "message"), REFUSED)
def test_refused(data: str, words: tuple[str, ...], code: int, message: str) -> None:
    outcome = run(*words, "--data", "-", stdin=data)
    assert (outcome.out, outcome.err, outcome.code) == ("", f"error: {message}", code)


OPTIONS = {
    ("--lr", "0"): "--lr needs a positive number, not '0'\n  hint: for example --lr 0.1\n",
    ("--lr", "-0.1"): "--lr needs a positive number, not '-0.1'\n  hint: for example --lr 0.1\n",
    ("--lr", "fast"): "--lr needs a positive number, not 'fast'\n  hint: for example --lr 0.1\n",
    (
        "--noise",
        "-1",
    ): "--noise needs a number of at least 0, not '-1'\n  hint: for example --noise 0.3\n",
    ("--samples", "1"): "--samples needs a whole number from 2 to 10000000, not '1'\n",
    ("--batch-size", "0"): "--batch-size needs a whole number of at least 1, not '0'\n",
    (
        "--confidence",
        "1",
    ): "--confidence is between 0 and 1, not 1\n  hint: for example --confidence 0.95\n",
    ("--x", "x"): "--x is about data\n  hint: add --data FILE.csv\n",
    ("--optimizer", "lbfgs", "--batch-size", "5"): (
        "the optimizer 'lbfgs' needs the whole loss, not batches of it\n"
        "  hint: leave --batch-size out, or use --optimizer adam\n"
    ),
}


@pytest.mark.parametrize("options", OPTIONS)
def test_refused_options(options: tuple[str, ...]) -> None:
    outcome = run("fit", "linear", *options)
    assert (outcome.out, outcome.err, outcome.code) == ("", f"error: {OPTIONS[options]}", 2)


def test_refused_without_data() -> None:
    outcome = run(*CURVE)
    assert outcome.err == (
        "error: a curve needs data\n  hint: add --data FILE.csv, or --data - for stdin\n"
    )
    assert outcome.code == 2


READ = {
    "a byte-order mark": "\ufeffx,y\n1,2\n2,3.5\n3,4\n",
    "semicolons": "x;y\n1;2\n2;3.5\n3;4\n",
    "quoted headers": '"x","y"\n1,2\n2,3.5\n3,4\n',
    "tabs": "x\ty\n1\t2\n2\t3.5\n3\t4\n",
    "spaces": "x, y\n1, 2\n2, 3.5\n3, 4\n",
    "Windows line ends": "x,y\r\n1,2\r\n2,3.5\r\n3,4\r\n",
    "other columns of text": "name,x,y\na,1,2\nb,2,3.5\nc,3,4\n",
    "records": '{"x": 1, "y": 2}\n{"x": 2, "y": 3.5}\n{"x": 3, "y": 4}\n',
}


@pytest.mark.parametrize("what", READ)
def test_files_that_are_read(what: str, tmp_path: Path) -> None:
    outcome = run("fit", "linear", "--x", "x", "--data", write(tmp_path, READ[what]))
    assert (outcome.out, outcome.err, outcome.code) == ("b0\t1.1666666666666667\nb1\t1.0\n", "", 0)


FILES = {
    "decay.csv": DECAY.read_text(encoding="utf-8"),
    "points.csv": "x,y\n0.5,0.6\n1,1.1\n2,1.4\n4,1.7\n8,1.75\n",
    "new.csv": "x\n3\n",
    "homes.csv": "price,area,rooms\n200,80,3\n310,120,4\n150,55,2\n260,110,3\n",
    "aging.csv": "y,x1,x2\n15,1,2\n14,2,2\n13.5,4,2\n12,1,3\n9.5,2,3\n6,4,3\n",
}


@pytest.mark.parametrize("task", [linear, curve])
def test_every_example_runs(
    task: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    for line in task.EXAMPLES.strip().splitlines():
        outcome = run(*shlex.split(line)[1:])
        assert (outcome.code, outcome.err) == (0, ""), line


# Golden files ------------------------------------------------------------------------------------

CASES: dict[str, tuple[str, ...]] = {
    "demo": ("linear", "--every", "50"),
    "line": ("linear", "--data", str(DECAY)),
    "descent": ("linear", "--data", str(DECAY), "--steps", "40", "--lr", "0.01", "--every", "20"),
    "curve": ("curve", MODEL, "--data", str(DECAY), "--start", START),
    "predict": (
        "curve",
        "p + q*x",
        "--data",
        str(DECAY),
        "--response",
        "log(y)",
        "--predict",
        str(DECAY),
    ),
}
VARIANTS: dict[str, tuple[tuple[str, ...], int, bool]] = {
    "table": (("-f", "table"), 80, True),
    "table-120": (("-f", "table"), 120, True),
    "table-40": (("-f", "table"), 40, True),
    "ascii": (("-f", "table"), 80, False),
    "colour": (("-f", "table", "--color", "always"), 80, True),
    "plain": ((), 80, True),
    "json": (("--json",), 80, True),
    "ndjson": (("-f", "ndjson"), 80, True),
    "csv": (("-f", "csv"), 80, True),
    "latex": (("-f", "latex"), 80, True),
    "markdown": (("-f", "markdown"), 80, True),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, variant: str) -> None:
    options, width, unicode = VARIANTS[variant]
    outcome = run("fit", *CASES[case], *options, width=width, unicode=unicode)
    assert outcome.code == (case == "descent")
    GOLDEN.holds(case, variant, outcome.out)


def test_no_golden_file_is_left_over() -> None:
    GOLDEN.has_none_but(itertools.product(CASES, VARIANTS))


# Decimal commas ----------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_decimal_commas_are_read_where_commas_delimit_nothing(delimiter: str) -> None:
    data = "x;y\n1,5;2,25\n2;3,1\n3,5;+5e0\n4;,5\n-1,;1,5E-1\n".replace(";", delimiter)
    points = "x,y\n1.5,2.25\n2,3.1\n3.5,5\n4,.5\n-1,.15\n"
    assert run("fit", "linear", "--data", "-", stdin=data).out == (
        run("fit", "linear", "--data", "-", stdin=points).out
    )


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (
            "x;y\n1,5;2\n2.5;3\n3;5\n",
            "line 2: column 'x' is '1,5', with a decimal comma, and another cell is '2.5', with a"
            " point",
        ),
        ("x;y\n1.234,5;2\n2;3\n3;5\n", "line 2: column 'x' is '1.234,5', which is no number"),
        ("x;y\n1,234,567;2\n2;3\n3;5\n", "line 2: column 'x' is '1,234,567', which is no number"),
        (
            'x,y\n"1,5",2\n2,3\n3,5\n',
            "line 2: column 'x' is '1,5', which is no number (decimals are written with a point)",
        ),
    ],
)
def test_commas_that_may_be_something_else_are_refused(data: str, what: str) -> None:
    outcome = run("fit", "linear", "--data", "-", stdin=data)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err == (
        f"error: standard input, {what}\n  hint: every row needs a number in 'x', 'y'\n"
    )


# What the data leave open ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "start", "lost", "reduced", "reduced_start"),
    [
        ("a*b*x + c*sin(x)", "a=1,b=1,c=0", "ab", "a*x + c*sin(x)", "a=1,c=0"),
        ("a*exp(-b*x) + c + d", "a=5,b=1,c=0,d=0", "cd", "a*exp(-b*x) + c", "a=5,b=1,c=0"),
        ("a*exp(-b*x) + c + 0*q", "a=5,b=1,c=0,q=3", "q", "a*exp(-b*x) + c", "a=5,b=1,c=0"),
    ],
)
def test_undetermined_parameters_are_named_and_the_others_keep_their_errors(
    model: str, start: str, lost: str, reduced: str, reduced_start: str
) -> None:
    words = ("fit", "curve", "--data", str(DECAY), "--json", "--optimizer", "lm")
    content = found(run(*words, model, "--start", start), code=1)
    named = " and ".join(f"'{name}'" for name in lost)
    assert content["reason"] == f"the data do not determine {named}"
    assert content["steps"] < 100
    truth = found(run(*words, reduced, "--start", reduced_start))
    errors: Any = content["standard_errors"]
    for name, error in errors.items():
        if name in lost:
            assert error == "Infinity"
        else:
            assert error == pytest.approx(truth["standard_errors"][name], rel=1e-6)
    assert content["degrees_of_freedom"] == truth["degrees_of_freedom"]


def test_a_constant_column_is_named() -> None:
    data = "x,u,y\n1,3,2\n2,3,3\n3,3,5\n4,3,6\n"
    outcome = run("fit", "linear", "--data", "-", stdin=data)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err == (
        "error: the data cannot tell 'b2' (the column 'u', 3 everywhere) from the parameters before"
        " it: their columns depend on each other\n  hint: leave 'b2' out of the model\n"
    )
