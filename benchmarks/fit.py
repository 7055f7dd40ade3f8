"""Curve fits: digits and time of `agx fit curve`, scipy's curve_fit and lmfit, in one run.

The problems are NIST's nonlinear ones, each from both of its starts, given as everybody would: the
model, the data, the start, and no other hint. scipy and lmfit get the model as a numpy function.
"""

from __future__ import annotations

import importlib.util
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import machine, report

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

CAP = 11.0  # digits: as many as are certified
PEERS = ("scipy", "lmfit")  # those installed take part
TIGHT = 1e-15  # tolerance for those who turn the knobs

Answer = tuple[Mapping[str, float], Mapping[str, float]]  # parameters, standard errors
Fit = Callable[[], Answer]


def models(np: Any) -> dict[str, Callable[..., Any]]:
    """The models as numpy functions of x and the parameters."""
    exp, pi = np.exp, np.pi

    def gauss(
        x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any, b8: Any
    ) -> Any:
        first = b3 * exp(-((x - b4) ** 2) / b5**2)
        return b1 * exp(-b2 * x) + first + b6 * exp(-((x - b7) ** 2) / b8**2)

    def lanczos(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any) -> Any:
        return b1 * exp(-b2 * x) + b3 * exp(-b4 * x) + b5 * exp(-b6 * x)

    def cubics(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any) -> Any:
        return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)

    def enso(
        x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any, b8: Any, b9: Any
    ) -> Any:
        year = b2 * np.cos(2 * pi * x / 12) + b3 * np.sin(2 * pi * x / 12)
        first = b5 * np.cos(2 * pi * x / b4) + b6 * np.sin(2 * pi * x / b4)
        return b1 + year + first + b8 * np.cos(2 * pi * x / b7) + b9 * np.sin(2 * pi * x / b7)

    def kirby(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any) -> Any:
        return (b1 + b2 * x + b3 * x**2) / (1 + b4 * x + b5 * x**2)

    return {
        "Bennett5": lambda x, b1, b2, b3: b1 * (b2 + x) ** (-1 / b3),
        "BoxBOD": lambda x, b1, b2: b1 * (1 - exp(-b2 * x)),
        "Chwirut2": lambda x, b1, b2, b3: exp(-b1 * x) / (b2 + b3 * x),
        "DanWood": lambda x, b1, b2: b1 * x**b2,
        "ENSO": enso,
        "Eckerle4": lambda x, b1, b2, b3: b1 / b2 * exp(-0.5 * ((x - b3) / b2) ** 2),
        "Gauss1": gauss,
        "Gauss2": gauss,
        "Hahn1": cubics,
        "Kirby2": kirby,
        "Lanczos1": lanczos,
        "Lanczos2": lanczos,
        "Lanczos3": lanczos,
        "MGH09": lambda x, b1, b2, b3, b4: b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4),
        "MGH10": lambda x, b1, b2, b3: b1 * exp(b2 / (x + b3)),
        "MGH17": lambda x, b1, b2, b3, b4, b5: b1 + b2 * exp(-x * b4) + b3 * exp(-x * b5),
        "Misra1a": lambda x, b1, b2: b1 * (1 - exp(-b2 * x)),
        "Misra1b": lambda x, b1, b2: b1 * (1 - (1 + b2 * x / 2) ** -2),
        "Misra1c": lambda x, b1, b2: b1 * (1 - (1 + 2 * b2 * x) ** -0.5),
        "Misra1d": lambda x, b1, b2: b1 * b2 * x / (1 + b2 * x),
        "Nelson": lambda x, b1, b2, b3: b1 - b2 * x[0] * exp(-b3 * x[1]),
        "Rat42": lambda x, b1, b2, b3: b1 / (1 + exp(b2 - b3 * x)),
        "Rat43": lambda x, b1, b2, b3, b4: b1 / (1 + exp(b2 - b3 * x)) ** (1 / b4),
        "Roszman1": lambda x, b1, b2, b3, b4: b1 - b2 * x - np.arctan(b3 / (x - b4)) / pi,
        "Thurber": cubics,
    }


def agx(problem: Any, start: Mapping[str, float]) -> Fit:
    from autograd_cli.data import read_table
    from autograd_cli.engine.core.context import resolve
    from autograd_cli.engine.core.threads import one_thread
    from autograd_cli.engine.fit.curve import CurveFitting
    from autograd_cli.engine.fit.problem import problem as prepared
    from autograd_cli.engine.fit.request import Request
    from autograd_cli.language.reader import read
    from autograd_cli.settings import Settings

    table = read_table(str(problem.file))
    columns = {name: table[name] for name in table.names}

    def fit() -> Answer:
        names = tuple(start)
        request = Request(
            model=read(problem.model, given=[*columns, *names]),
            parameters=names,
            linear=False,
            response=read(problem.response, given=list(columns)),
            columns=columns,
            start={name: read(repr(value)) for name, value in start.items()},
        )
        context = resolve(Settings())
        with one_thread():  # as the command does
            fitting = CurveFitting(prepared(request, context), context, None, None)
            for _ in fitting.steps():
                pass
            found: Any = fitting.result()
        return found.parameters, found.statistics.standard_errors

    return fit


def numpy_data(problem: Any, np: Any) -> tuple[Any, Any]:
    rows = np.genfromtxt(problem.file, delimiter=",", names=True)
    y = rows["y"] if problem.response == "y" else np.log(rows["y"])
    x = [rows[name] for name in rows.dtype.names if name != "y"]
    return (x[0] if len(x) == 1 else np.array(x)), y


def scipy(model: Any, x: Any, y: Any, start: Mapping[str, float], **options: Any) -> Fit:
    import numpy as np
    from scipy.optimize import curve_fit

    def fit() -> Answer:
        found, covariance = curve_fit(model, x, y, p0=list(start.values()), **options)
        errors = np.sqrt(np.diag(covariance))
        return dict(zip(start, found, strict=True)), dict(zip(start, errors, strict=True))

    return fit


def lmfit(model: Any, x: Any, y: Any, start: Mapping[str, float], **options: Any) -> Fit:
    from lmfit import Model

    def fit() -> Answer:
        prepared = Model(model, independent_vars=["x"])
        found = prepared.fit(y, x=x, **start, fit_kws=options or None)
        errors = {name: found.params[name].stderr or math.nan for name in start}
        return {name: found.params[name].value for name in start}, errors

    return fit


def digits(found: Mapping[str, float], right: Mapping[str, float]) -> float:
    """Right digits of the worst, from 0 to CAP."""
    worst = max(abs(found[name] / value - 1) for name, value in right.items())
    if not math.isfinite(worst):
        return 0.0
    return CAP if worst == 0 else min(max(-math.log10(worst), 0.0), CAP)


def run(quick: bool) -> None:
    import nist
    import numpy as np

    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    rounds = 1 if quick else 3
    found = [peer for peer in PEERS if importlib.util.find_spec(peer)]
    functions = models(np)
    tight = {"xtol": TIGHT, "ftol": TIGHT, "gtol": TIGHT, "maxfev": 100_000}
    scores: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    count = 0
    for name in nist.NONLINEAR:
        problem = nist.nonlinear(name)
        x, y = numpy_data(problem, np)
        for start in problem.starts:
            count += 1
            peers: dict[str, Fit] = {"agx fit curve": agx(problem, start)}
            if "scipy" in found:
                peers["scipy curve_fit"] = scipy(functions[name], x, y, start)
                peers["scipy curve_fit, tolerances 1e-15"] = scipy(
                    functions[name], x, y, start, **tight
                )
            if "lmfit" in found:
                peers["lmfit"] = lmfit(functions[name], x, y, start)
                peers["lmfit, tolerances 1e-15"] = lmfit(
                    functions[name], x, y, start, xtol=TIGHT, ftol=TIGHT
                )
            best = dict.fromkeys(peers, math.inf)
            for number in range(rounds):
                order = list(peers) if (count + number) % 2 else list(reversed(peers))
                for peer in order:
                    begun = time.perf_counter()
                    answer = _attempt(peers[peer])
                    best[peer] = min(best[peer], time.perf_counter() - begun)
                    if number == 0:
                        scores.setdefault(peer, []).append(_score(answer, 0, problem.certified))
                        if name != "Lanczos1":  # its residuals are rounding noise
                            score = _score(answer, 1, problem.standard_error)
                            errors.setdefault(peer, []).append(score)
            for peer in peers:
                seconds.setdefault(peer, []).append(best[peer])
    order = ("agx fit curve", *(peer for peer in scores if peer != "agx fit curve"))
    report("fit", _lines(count, order, found, scores, errors, seconds), keep=not quick)


def _attempt(fit: Fit) -> Answer | None:
    try:
        return fit()
    except (RuntimeError, ValueError, TypeError):
        return None


def _score(answer: Answer | None, part: int, right: Mapping[str, float]) -> float:
    return 0.0 if answer is None else digits(answer[part], right)


def _lines(
    count: int,
    order: Sequence[str],
    found: Sequence[str],
    scores: Mapping[str, Sequence[float]],
    errors: Mapping[str, Sequence[float]],
    seconds: Mapping[str, Sequence[float]],
) -> list[str]:
    lines = [
        "# Curve fits",
        "",
        f"{count} runs: NIST's nonlinear problems, each from both starts. Digits are those of the",
        "worst parameter (at most 11, as many as are certified); time is that of one fit in",
        "process, without imports. The machine was shared, so times are rough.",
        "",
        "| | ≥4 digits | ≥6 | ≥9 | median | standard errors ≥6 | median ms | slowest ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for peer in order:
        right = scores[peer]
        counts = [sum(score >= least for score in right) for least in (4, 6, 9)]
        sure = sum(score >= 6 for score in errors[peer])
        times = [1000 * one for one in seconds[peer]]
        lines.append(
            f"| {peer} | {counts[0]} | {counts[1]} | {counts[2]} | {statistics.median(right):.1f}"
            f" | {sure} of {len(errors[peer])} | {statistics.median(times):.1f}"
            f" | {max(times):.0f} |"
        )
    return [*lines, "", machine(("torch", "numpy", *found))]
