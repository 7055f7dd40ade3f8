"""Fits against NIST's certified answers, and against least squares in rational arithmetic."""

from __future__ import annotations

import json
import math

import nist
import pytest
from cli_runner import run

PROBLEMS = [(name, start) for name in nist.NONLINEAR for start in (0, 1)]


@pytest.mark.parametrize(("name", "start"), PROBLEMS, ids=[f"{n}-{s + 1}" for n, s in PROBLEMS])
def test_nonlinear(name: str, start: int) -> None:
    problem = nist.nonlinear(name)
    begin = ",".join(f"{name}={value!r}" for name, value in problem.starts[start].items())
    words = ["--data", str(problem.file), "--start", begin, "--json"]
    if problem.response != "y":
        words += ["--response", problem.response]
    outcome = run("fit", "curve", problem.model, *words)
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    assert found["converged"] is True
    assert found["observations"] == problem.observations
    assert nist.digits(found["parameters"], problem.certified) >= 9
    if name == "Lanczos1":  # its residuals are rounding noise
        return
    assert nist.digits(found["standard_errors"], problem.standard_error) >= 8
    assert math.isclose(found["rss"], problem.residual_sum_of_squares, rel_tol=1e-9)
    assert found["loss"] == found["value"] == pytest.approx(found["rss"], rel=1e-12)


@pytest.mark.parametrize("task", ["linear", "curve"])
@pytest.mark.parametrize("name", nist.LINEAR)
def test_linear(name: str, task: str) -> None:
    file, exact = nist.linear(name)
    model = ["--model", nist.LINEAR[name]] if task == "linear" else [nist.LINEAR[name]]
    outcome = run("fit", task, *model, "--data", str(file), "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    names = [f"b{k}" for k in range(len(exact.parameters))]
    assert nist.digits(found["parameters"], dict(zip(names, exact.parameters, strict=True))) >= 13.9
    assert found["exact"] == found["parameters"]
    assert math.isclose(found["rss"], exact.rss, rel_tol=1e-12)
    degrees = found["observations"] - len(names)
    assert found["degrees_of_freedom"] == degrees
    if exact.rss:
        errors = [math.sqrt(exact.rss / degrees * exact.inverse[k][k]) for k in range(len(names))]
        right = dict(zip(names, errors, strict=True))
        assert nist.digits(found["standard_errors"], right) >= 12


def test_linear_without_a_model_is_a_sum_of_the_columns() -> None:
    file, exact = nist.linear("Longley")
    found = json.loads(run("fit", "linear", "--data", str(file), "--json").out)
    assert found["expression"] == "b0 + b1*x1 + b2*x2 + b3*x3 + b4*x4 + b5*x5 + b6*x6"
    right = {f"b{k}": value for k, value in enumerate(exact.parameters)}
    assert nist.digits(found["parameters"], right) >= 13.9
