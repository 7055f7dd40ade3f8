"""`agx check`, to the letter: verdicts, reasons, exit codes, formats, options, bad input."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from check_cases import InProcess, evidence, examined, random_case, truth
from cli_runner import Outcome, agx, run
from golden_files import Golden

from autograd_cli.commands import check as command
from autograd_cli.engine.check.verdict import judge
from autograd_cli.results.check import AGREE, DISAGREE, INCONCLUSIVE

GOLDEN = Golden("check")
CANCELLING = ("(1-cos(x))/x**2", "--at", "x=1e-8")


class Here(InProcess):
    """The referee of a command, without its process."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *error: object) -> None:
        return


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "Referee", Here)


def check(*words: str, **more: Any) -> Outcome:
    return run("check", *words, **more)


def found(*words: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(check(*words, "--json").out)
    return content


# The contract ------------------------------------------------------------------------------------


def test_json() -> None:
    outcome = check("x**2*y", "--at", "x=2,y=3", "--json")
    content = json.loads(outcome.out)
    assert outcome.code == 0
    assert outcome.err == ""
    assert list(content) == [
        *("schema", "command", "expression", "at", "dtype", "device", "value", "verdict"),
        *("components", "warnings"),
    ]
    assert content["verdict"] == "agree"
    assert [one["input"] for one in content["components"]] == ["x", "y"]
    one = content["components"][0]
    assert list(one) == [
        *("input", "autograd", "numerical", "error_bar", "exact", "verdict", "note", "kind"),
    ]
    assert one["autograd"] == one["exact"] == 12.0
    assert abs(one["numerical"] - 12.0) <= one["error_bar"] < 1e-11


def test_plain_is_a_record_for_every_input() -> None:
    outcome = check("sum(x**2)*y", "--at", "x=[1,2],y=3")
    records = [line.split("\t") for line in outcome.out.splitlines()]
    assert [record[:2] for record in records] == [
        *(["x[0]", "agree"], ["x[1]", "agree"], ["y", "agree"]),
    ]
    assert all(len(record) == 6 for record in records)
    assert [float(record[2]) for record in records] == [6.0, 12.0, 5.0]
    assert [float(record[5]) for record in records] == [6.0, 12.0, 5.0]


def test_elements_of_matrices_have_their_names() -> None:
    names = [one["input"] for one in found("sum(A@v)", "--at", "A=[[1,2],[3,4]],v=[1,1]")[KEY]]
    assert names == ["A[0,0]", "A[0,1]", "A[1,0]", "A[1,1]", "v[0]", "v[1]"]


KEY = "components"


@pytest.mark.parametrize(
    ("words", "verdict", "code", "strict"),
    [
        (("x**2", "--at", "x=3"), "agree", 0, 0),
        (CANCELLING, "disagree", 1, 1),
        (("abs(x)", "--at", "x=0"), "inconclusive", 0, 1),
    ],
)
def test_exit_codes(words: tuple[str, ...], verdict: str, code: int, strict: int) -> None:
    assert found(*words)["verdict"] == verdict
    assert check(*words).code == code
    assert check(*words, "--strict").code == strict


def test_what_is_inconclusive_is_a_warning() -> None:
    outcome = check("abs(x)", "--at", "x=0")
    assert outcome.err == (
        "warning: inconclusive for x: a kink: the derivative is -1 from the left and 1 from the"
        " right; autograd's 0 is a convention\n"
    )
    assert check("abs(x)", "--at", "x=0", "-f", "table").err == (
        "warning: the check is inconclusive for x\n"
    )
    assert len(found("abs(x)", "--at", "x=0")["warnings"]) == 1


def test_plain_tells_the_reason_of_every_input_that_does_not_agree() -> None:
    """Also where another input has another verdict; the other formats have a place for them."""
    words = ("clamp(x,lo,hi)", "--at", "x=0.5,lo=0.5,hi=0.5")
    assert check(*words).err.splitlines() == [
        "warning: disagree for x: autograd is off by 1: the exact value is 0",
        "warning: inconclusive for hi: a kink: the derivative is 1 from the left and 0 from the"
        " right; autograd's 0 is a convention",
    ]
    content = found(*words)
    assert content["warnings"] == []
    assert [bool(one["note"]) for one in content["components"]] == [True, False, True]
    for format in ("table", "csv", "markdown"):
        outcome = check(*words, "-f", format)
        assert "off by 1" in outcome.out
        assert outcome.err == ""
    assert check(*CANCELLING).err.startswith("warning: disagree for x: cancellation: autograd")


def test_many_reasons_that_differ_in_their_numbers_are_told_once() -> None:
    """Each is in the result; six inputs at most are named."""
    words = ("cross_entropy(x, 3)", "--at", "x=linspace(-2,40,60)")
    (told,) = [line for line in check(*words).err.splitlines() if "inconclusive" in line]
    assert told.startswith("warning: inconclusive for x[0], ")
    assert " more: for x[0], the numerical derivative is only known to within " in told
    notes = {one["note"] for one in found(*words)["components"] if one["verdict"] != "agree"}
    assert len(notes) > 6


# Reasons -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "at", "verdict", "words"),
    [
        ("abs(x)", "x=0", INCONCLUSIVE, "-1 from the left and 1 from the right"),
        ("relu(x)", "x=0", INCONCLUSIVE, "autograd's 0 is a convention"),
        ("maximum(x,0)", "x=0", INCONCLUSIVE, "autograd's 0.5 is a convention"),
        ("sqrt(x)", "x=0", INCONCLUSIVE, "edge of the domain"),
        ("sqrt(x)", "x=0", INCONCLUSIVE, "slope is infinite"),
        ("x**1.5", "x=0", INCONCLUSIVE, "only to the right, where the derivative is 0"),
        ("sqrt(1-x)", "x=1", INCONCLUSIVE, "only to the left"),
        ("cbrt(x)", "x=0", INCONCLUSIVE, "the slope is infinite here"),
        ("floor(x)", "x=2", INCONCLUSIVE, "a jump from 1 to 2"),
        ("sin(x)/x", "x=0", INCONCLUSIVE, "the derivative tends to 0"),
        ("log(x)", "x=0", INCONCLUSIVE, "the value is -inf here"),
        ("exp(x)", "x=800", INCONCLUSIVE, "beyond float64: the derivative is 2.72637e+347"),
        ("tanh(x)", "x=20", INCONCLUSIVE, "rounds to 0 here, the exact value is 1.699341702e-17"),
        ("(1-cos(x))/x**2", "x=1e-8", DISAGREE, "loses all its digits here, the exact value is"),
        ("(1-cos(x))/x**2", "x=1e-3", DISAGREE, "cancellation: autograd loses 12 digits here"),
        ("where(x>0, sqrt(x), 0*x)", "x=-1", DISAGREE, "autograd gives nan; the exact value is 0"),
    ],
)
def test_reasons_in_words(expression: str, at: str, verdict: str, words: str) -> None:
    (one,) = found(expression, "--at", at)["components"]
    assert one["verdict"] == verdict
    assert words in one["note"]
    assert one["note"].isascii()


def test_a_kink_has_its_one_sided_derivatives() -> None:
    (one,) = found("abs(x)", "--at", "x=0")["components"]
    assert one["kind"] == "kink"
    assert (one["left"], one["right"]) == (-1.0, 1.0)
    assert one["numerical"] is one["exact"] is None


def test_random_constants_are_the_same_for_all() -> None:
    assert found("sum(x*randn(3))", "--at", "x=randn(3)", "--seed", "7")["verdict"] == "agree"
    words = ("sum(x*randn(3))", "--at", "x=randn(3)", "--seed", "7", "--dtype", "float32")
    assert found(*words)["verdict"] == "agree"


def test_without_a_formula_the_ladder_decides() -> None:
    for source, at in (("sum(sort(x)**2)", "x=[3,1,2]"), ("sum(inv(A))", "A=randn(6,6)")):
        content = found(source, "--at", at)
        assert content["verdict"] == "agree"
        assert all(one["exact"] is None for one in content["components"])


# Precision ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "at"),
    [("x**2*sin(y)", "x=2,y=3"), ("exp(-x**2)", "x=0.1"), ("sum(A@A)", "A=[[0.1,0.2],[0.3,0.7]]")],
)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_low_precision_is_judged_by_its_own_rounding(
    expression: str, at: str, dtype: str
) -> None:
    content = found(expression, "--at", at, "--dtype", dtype)
    assert content["verdict"] == "agree"
    for one in content["components"]:  # the references are not in that precision
        assert one["numerical"] == pytest.approx(one["exact"], rel=1e-11)


def test_what_is_beyond_float32_is_said_to_be() -> None:
    (one,) = found("exp(x)", "--at", "x=100", "--dtype", "float32")["components"]
    assert one["verdict"] == "inconclusive"
    assert one["note"] == "beyond float32: the derivative is 2.68812e+43"
    (one,) = found("(1-cos(x))/x**2", "--at", "x=1e-3", "--dtype", "float32")["components"]
    assert one["verdict"] == "disagree"
    assert one["note"].startswith("beyond float32: autograd loses all its digits here")


ISOLATED = "there is no value beside this very point, and so no derivative"
SWINGING = "x**2*sin(1/x)"
NAN = "autograd gives nan"


def test_a_number_beyond_float32_is_rounded_as_one_writes_it() -> None:
    (one,) = found("1/x", "--at", "x=1e-30", "--dtype", "float32")["components"]
    assert one["note"] == "beyond float32: the derivative is -1e+60"


@pytest.mark.parametrize(
    ("expression", "at", "verdict", "note"),
    [
        (
            "x/x",
            "x=0",
            INCONCLUSIVE,
            "undefined as it is written; simplified, the exact value is 0",
        ),
        (
            "sin(x)/x",
            "x=0",
            INCONCLUSIVE,
            "undefined at this very point; the derivative tends to 0",
        ),
        ("x**x", "x=-2", "inconclusive", ISOLATED),
        # the derivative swings beside 0, and is there
        (f"where(x==0, 0, {SWINGING})", "x=0", "disagree", f"{NAN}; the exact value is 0"),
        (f"where(x==0, 0, {SWINGING} + 3*x)", "x=0", "disagree", f"{NAN}; the exact value is 3"),
        (SWINGING, "x=0", "inconclusive", "the value is nan here: there is no derivative"),
    ],
)
def test_points_where_a_formula_is_not_defined(
    expression: str, at: str, verdict: str, note: str
) -> None:
    (one,) = found(expression, "--at", at)["components"]
    assert (one["verdict"], one["note"]) == (verdict, note)


def test_a_power_of_zero_by_its_exponent() -> None:
    """0**y is 0 for every positive y."""
    one = found("x**y", "--at", "x=0,y=2")["components"][1]
    assert (one["input"], one["verdict"], one["exact"]) == ("y", "agree", 0.0)


def test_a_wrong_float32_gradient_is_not_excused_by_rounding() -> None:
    examination = examined("x**2*sin(x)", "x=2", "float32")
    for referee in (True, False):
        (one,) = evidence(examination, referee=referee)
        assert judge(one)[0] == AGREE
        for share in (1e-2, 5e-4):
            assert judge(replace(one, autograd=one.autograd * (1 + share)))[0] != AGREE


def test_plain_tolerances() -> None:
    words = ("(1-cos(x))/x**2", "--at", "x=1e-3")  # off by 2e-4
    assert check(*words, "--rtol", "1e-3").code == 0
    assert check(*words, "--rtol", "1e-5").code == 1
    assert check(*words, "--atol", "1e-6").code == 0
    assert "where 8.33333e-10 is allowed" in found(*words, "--rtol", "1e-5")[KEY][0]["note"]


# Other questions ---------------------------------------------------------------------------------


def test_wrt() -> None:
    assert [one["input"] for one in found("x*y", "--at", "x=1,y=2", "--wrt", "y")[KEY]] == ["y"]


def test_second_order() -> None:
    content = found("x**2*y**3", "--at", "x=2,y=3", "--order", "2")
    exact = {one["input"]: one["exact"] for one in content["components"]}
    assert exact == {"x": 108.0, "y": 108.0, "x,x": 54.0, "x,y": 108.0, "y,y": 72.0}
    assert content["verdict"] == "agree"
    assert content["order"] == 2
    kinds = [one["kind"] for one in found("relu(x)", "--at", "x=0", "--order", "2")[KEY]]
    assert kinds == ["kink", "jump"]


def test_against() -> None:
    words = ("x**2*y", "--at", "x=2,y=3", "--against")
    assert found(*words, "x: 2*x*y; y: x**2")["verdict"] == "agree"
    content = found(*words, "x: 2*x; y: x**2")
    assert content["verdict"] == "disagree"
    first, second = content["components"]
    assert (first["claimed"], first["autograd"], first["verdict"]) == (4.0, 12.0, "disagree")
    assert first["note"] == "yours is 4, the derivative is 12: 1/3 of the right value"
    assert second["verdict"] == "agree"
    notes = {
        "-2*x*y": "the sign is wrong",
        "4*x*y": "2 times the right value",
        "2*x*y+0.1": "off by 0.1",
    }
    for formula, note in notes.items():
        assert found(*words, f"x: {formula}")["components"][0]["note"].endswith(note)
    assert check(*words, "x: 2*x").code == 1
    assert check(*words, "x: 2*x*y").out.endswith("\t12.0\n")


@pytest.mark.parametrize(
    "formulas",
    [
        "x: 2*x*y\ny: x**2",
        "x: 2*x*y, y: x**2",
        "x = 2*x*y; y = x**2",
        " x=2*x*y ,y=x**2;",
        "df/dx: 2*x*y; df/dy: x^2",
        "∂f/∂x = 2*x*y, ∂f/∂y = x²",
        "d_y: x**2; d_x: 2*x*y",
        "dx: where(x == 2, 2*x*y, 0); dy: sum([x, x, 0], dim=0)*x/2",
    ],
)
def test_against_as_people_write_it(formulas: str) -> None:
    content = found("x**2*y", "--at", "x=2,y=3", "--against", formulas)
    assert {one["input"]: one["claimed"] for one in content[KEY]} == {"x": 12.0, "y": 4.0}
    assert content["verdict"] == "agree"


def test_a_formula_alone_is_that_of_the_only_input() -> None:
    assert found("x**3", "--at", "x=2", "--against", "3*x**2")["verdict"] == "agree"
    assert found("x**3", "--at", "x=2", "--against", "3*x")["verdict"] == "disagree"
    words = ("sum(v**2)", "--at", "v=[1,2,3]", "--against")
    for formula in ("2*v", "[2, 4, 6]", "v: 2*v", "[2*v[0], 2*v[1], 2*v[2]]"):
        assert found(*words, formula)["verdict"] == "agree"
    assert [one["verdict"] for one in found(*words, "[2, 4, 5]")[KEY]][2] == "disagree"


@pytest.mark.parametrize(
    ("claim", "verdict", "end"),
    [
        ("0.5", "inconclusive", "your 0.5 is a convention"),
        ("1", "inconclusive", "your 1 is a convention"),
        ("2", "disagree", "your 2 is not between them"),
        ("0*log(x)", "disagree", "your nan is not between them"),
    ],
)
def test_against_at_a_kink(claim: str, verdict: str, end: str) -> None:
    (one,) = found("abs(x)", "--at", "x=0", "--against", f"x: {claim}")["components"]
    assert one["verdict"] == verdict
    assert one["note"] == (
        f"a kink: the derivative is -1 from the left and 1 from the right; {end}"
    )


def test_against_vectors_and_elements() -> None:
    words = ("sum(v**2)*y", "--at", "v=[1,2],y=3", "--against")
    assert found(*words, "v: 2*v*y; y: sum(v**2)")["verdict"] == "agree"
    assert [one["input"] for one in found(*words, "v[1]: 4*y")["components"]] == ["v[1]"]
    assert found(*words, "v: v*y")["verdict"] == "disagree"


def test_every_input_is_checked_up_to_two_hundred() -> None:
    words = ("sum(v**2)", "--at")
    content = found(*words, "v=ones(200)")
    assert len(content[KEY]) == 200
    assert content["warnings"] == []
    content = found(*words, "v=ones(201)")
    assert len(content[KEY]) == 200
    assert content["warnings"] == ["checked 200 of 201 inputs, evenly spread"]


def test_samples() -> None:
    words = ("log(x)*y", "--samples", "50", "--domain", "x=-1:1,y=-5:5")
    content = found(*words)
    samples = content["samples"]
    assert samples["count"] == 50
    assert samples["domain"] == {"x": [-1.0, 1.0], "y": [-5.0, 5.0]}
    assert samples["outside"] + samples["agree"] == 50
    assert 10 < samples["outside"] < 40  # counted, not dropped
    assert f"at {samples['outside']} of 50 points the expression has" in content["warnings"][0]
    assert content["verdict"] == "agree"
    assert set(content["components"][0]["at"]) == {"x", "y"}
    assert check(*words) == check(*words)
    assert check(*words).out != check(*words, "--seed", "1").out


def test_samples_find_what_is_wrong_somewhere() -> None:
    words = ("(1-cos(x))/x**2", "--samples", "20", "--domain", "x=0:1e-6")
    content = found(*words)
    assert content["verdict"] == "disagree"
    assert content["components"][0]["verdict"] == "disagree"
    assert check(*words).code == 1


def test_samples_of_vectors_and_fixed_values() -> None:
    content = found("sum(v**2)*y", "--at", "v=zeros(3),y=2", "--samples", "4", "--domain", "v=1:2")
    assert content["verdict"] == "agree"
    assert content["at"] == {"y": 2.0}
    assert all(1 <= value <= 2 for one in content[KEY] for value in one["at"]["v"])


def test_a_grid_meets_the_kink() -> None:
    content = found("abs(x)*y", "--grid", "x=-1:1:21,y=1:2:2")
    assert content["samples"] == {
        **content["samples"],
        "count": 42,
        "domain": {"x": [-1.0, 1.0], "y": [1.0, 2.0]},
    }
    kinks = [one for one in content[KEY] if one["verdict"] == "inconclusive"]
    assert [one["at"] for one in kinks] == [{"x": 0.0, "y": 1.0}, {"x": 0.0, "y": 2.0}]
    assert {one["kind"] for one in kinks} == {"kink"}
    assert check("abs(x)", "--grid", "x=-1:1:3", "--strict").code == 1


@pytest.mark.parametrize("text", ["mod(x,(x>0)+2)", "fmod(x, (x > 0) + 2)", "x % ((x > 0) + 2)"])
def test_a_condition_in_an_operand_of_a_periodic_function(text: str) -> None:
    """The modulus is 3, and 2 on the other side of 0."""
    for place, value in ((3.5, 0.5), (1.25, 1.25), (-0.5, -0.5 if "fmod" in text else 1.5)):
        content = found(text, "--at", f"x={place}")
        assert content["value"] == value
        assert content["verdict"] == "agree"
        assert content[KEY][0]["autograd"] == 1.0


def test_nowhere_to_check() -> None:
    content = found("log(x)", "--samples", "5", "--domain", "x=-2:-1")
    assert content["verdict"] == "inconclusive"
    assert content["samples"]["outside"] == 5
    assert content["components"] == []
    told = check("log(x)", "--samples", "5", "--domain", "x=-2:-1").err
    assert "at 5 of 5 points the expression has no finite value" in told
    assert "at none of the points is there anything to check" in told


def test_the_function_table_vouches_for_itself() -> None:
    outcome = check("--functions", "--json")
    content = json.loads(outcome.out)
    rows = {one["expression"] for one in content["components"]}
    assert len(rows) > 120
    assert outcome.code == 0, [one for one in content[KEY] if one["verdict"] == "disagree"]
    agreed = [one for one in content["components"] if one["verdict"] == "agree"]
    assert len(agreed) >= len(content["components"]) - 2
    assert {"lt", "zeros", "logical_not"} < set(content["skipped"])
    assert not {"sin", "softmax", "inv"} & set(content["skipped"])


def test_random_expressions() -> None:
    generator = random.Random(5)
    for _ in range(40):
        case = random_case(generator)
        examination = examined(case.expression, case.at)
        place = {name: tensor.item() for name, tensor in examination.points.items()}
        for referee in (True, False):
            for element, one in zip(
                examination.elements, evidence(examination, referee=referee), strict=True
            ):
                if one.kind() != "smooth" or not math.isfinite(one.slopes.value):
                    continue
                exact = truth(case.expression, place, element.label)
                verdict, note = judge(one)
                if abs(one.autograd - exact) <= 1e-6 * abs(exact):
                    assert verdict != DISAGREE, (case.name, note)
                elif "zero" not in note:
                    assert verdict != AGREE, case.name
                if one.has_numerical:
                    assert abs(one.slopes.central.value - exact) <= one.error_bar, case.name


# Formats -----------------------------------------------------------------------------------------

RESULTS = {
    "agree": ("x**2*sin(y)", "--at", "x=2,y=3"),
    "disagree": CANCELLING,
    "kink": ("abs(x)*y", "--at", "x=0,y=3"),
    "against": ("x**2*y", "--at", "x=2,y=3", "--against", "x: 2*x; y: x**2"),
    "samples": ("log(x)*y", "--samples", "20", "--domain", "x=-1:1,y=-5:5"),
    "order": ("x**2*y", "--at", "x=2,y=3", "--order", "2"),
}
VARIANTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    **{
        name: (("-f", name), {})
        for name in ("plain", "table", "json", "ndjson", "csv", "latex", "markdown", "junit")
    },
    "table-ascii": (("-f", "table"), {"unicode": False}),
    "table-40": (("-f", "table"), {"width": 40}),
    "table-colour": (("-f", "table", "--color", "always"), {}),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", RESULTS)
def test_golden(name: str, variant: str) -> None:
    words, more = VARIANTS[variant]
    text = check(*RESULTS[name], *words, **more).out
    GOLDEN.holds(name, variant, text)


def test_no_golden_file_is_left_over() -> None:
    GOLDEN.has_none_but(itertools.product(RESULTS, VARIANTS))


@pytest.mark.parametrize("name", RESULTS)
def test_tables_keep_to_the_width_and_to_ascii(name: str) -> None:
    for width in (30, 50, 80):
        text = check(*RESULTS[name], "-f", "table", unicode=False, width=width).out
        assert text.isascii()
        assert all(len(line) <= width for line in text.splitlines())


def test_csv_is_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(check(*RESULTS["kink"], "-f", "csv").out)))
    assert [row["verdict"] for row in rows] == ["inconclusive", "agree"]
    assert rows[0]["numerical"] == ""
    assert rows[0]["note"].startswith("a kink")


def test_junit_is_what_continuous_integration_reads(tmp_path: Path) -> None:
    file = tmp_path / "check.xml"
    assert check(*RESULTS["against"], "-o", str(file)).code == 1
    suite = ElementTree.parse(file).getroot()[0]
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    failed, passed = suite
    assert failed[0].tag == "failure"
    assert "yours is 4, the derivative is 12" in failed[0].attrib["message"]
    assert len(passed) == 0
    kinked = ElementTree.fromstring(check(*RESULTS["kink"], "-f", "junit").out)
    assert kinked[0][0][0].tag == "skipped"
    strict = ElementTree.fromstring(check(*RESULTS["kink"], "-f", "junit", "--strict").out)
    assert strict[0][0][0].tag == "failure"
    assert kinked[0].attrib["skipped"] == "1"
    strange = check("where(x<y, x, y)", "--at", "x=1,y=2", "-f", "junit")
    assert ElementTree.fromstring(strange.out)[0].attrib["name"] == "where(x<y, x, y)"


# What the schema that Jenkins and others read JUnit's XML by allows, and what it requires.
SCHEMA = {
    "testsuites": ({"name", "time", "tests", "failures", "disabled", "errors"}, set()),
    "testsuite": (
        {"name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp"},
        {"name", "tests"},
    ),
    "testcase": ({"name", "classname", "assertions", "time", "status"}, {"name", "classname"}),
    "failure": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "skipped"},
    "failure": set(),
    "skipped": set(),
}


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("more", [(), ("--strict",)])
def test_junit_keeps_to_the_schema(name: str, more: tuple[str, ...]) -> None:
    root = ElementTree.fromstring(check(*RESULTS[name], "-f", "junit", *more).out)
    assert root.tag == "testsuites"
    for element in root.iter():
        allowed, required = SCHEMA[element.tag]
        assert required <= set(element.attrib) <= allowed
        assert {child.tag for child in element} <= CHILDREN[element.tag]
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("2+3",), 2, "the expression has no variables"),
        ((), 2, "missing EXPR"),
        (("x*y", "--at", "x=1"), 2, "no value for 'y'"),
        (("x**2", "--at", "x=[1,2]"), 3, "grad needs one output"),
        (("x > 2", "--at", "x=1"), 3, "a condition has no derivative"),
        (("x", "--at", "x=1", "--against", "z: 1"), 2, "no 'z' in the expression"),
        (("x", "--at", "x=1", "--against", "x: z"), 2, "no 'z' in the expression"),
        (("x*y", "--at", "x=1,y=2", "--against", "y"), 2, "does not say by which input: 'y'"),
        (("x*y", "--at", "x=1,y=2", "--against", "[y, x]"), 2, '--against "x: y; y: x"'),
        (("x*y", "--at", "x=1,y=2", "--against", "y; x"), 2, '--against "x: y; y: x"'),
        (("x*y", "--at", "x=1,y=2", "--against", "x: ; y: x"), 2, "formula for x is missing"),
        (("x*y", "--at", "x=1,y=2", "--against", "dz: x"), 2, "no 'dz' in the expression"),
        (("x", "--at", "x=1", "--against", "x: 1; x: 2"), 2, "given twice in --against"),
        (("x", "--at", "x=1", "--against", ""), 2, "--against is empty"),
        (("sum(v)", "--at", "v=[1,2]", "--against", "v: [1,1,1]"), 3, "has another shape than v"),
        (("sum(v)", "--at", "v=[1,2]", "--against", "v[5]: 1"), 3, "no element v[5]"),
        (("x", "--samples", "0"), 2, "--samples needs a whole number from 1"),
        (("x", "--samples", "5", "--domain", "x=1:0"), 2, "is no interval"),
        (("x", "--samples", "5", "--domain", "z=1:2"), 2, "no 'z' in the expression"),
        (("x", "--samples", "5", "--domain", "x=1"), 2, "a domain is written NAME=LOW:HIGH"),
        (("x", "--samples", "5", "--domain", "x=1:2:3"), 2, "a domain is written NAME=LOW:HIGH"),
        (("x", "--samples", "5", "--domain", "x=0:inf"), 2, "is no interval"),
        (("x", "--at", "x=1", "--domain", "x=0:1"), 2, "--domain is for random points"),
        (("x", "--at", "x=1,z=2", "--samples", "3"), 2, "no 'z' in the expression"),
        (("x", "--at", "x=1", "--order", "3"), 2, "--order needs a whole number from 1 to 2"),
        (("x", "--at", "x=1", "--rtol", "tight"), 2, "--rtol needs a number"),
        (("x", "--at", "x=1", "--atol", "-1"), 2, "--atol needs a number"),
        (("x", "--functions"), 2, "it takes no expression"),
        (("--functions", "--grid", "x=0:1:2"), 2, "it takes no expression"),
        (("x", "--grid", "x=0:1:2", "--samples", "3"), 2, "--grid says already where"),
        (("x", "--grid", "x=0:1:2", "--points", "-"), 2, "--points and --grid exclude each other"),
        (("x*y", "--grid", "x=0:1:2"), 2, "no value for 'y'"),
    ],
)
def test_bad_input(words: tuple[str, ...], code: int, message: str) -> None:
    outcome = check(*words)
    assert message in outcome.err
    assert outcome.code == code
    assert outcome.out == ""


# The program -------------------------------------------------------------------------------------


def test_as_a_program() -> None:
    done = agx("check", *CANCELLING)
    assert done.returncode == 1
    assert done.stdout.split("\t")[1] == "disagree"
    assert done.stdout.endswith("\t-8.333333333333334e-10\n")


@pytest.mark.parametrize("text", ["norm(v, 1)", "abs(v)[1]", "sum(relu(v))", "max(abs(v))"])
def test_second_derivatives_that_torch_only_promises_to_be_zero(text: str) -> None:
    """torch answers with zeros that have no memory; reading an element of one would crash."""
    outcome = run("check", text, "--at", "v=[1,-2,3]", "--order", "2", "--format", "plain")
    assert outcome.code == 0, outcome.err
    second = [line.split("\t") for line in outcome.out.splitlines() if "," in line]
    assert len(second) == 6  # those by v[i] and v[j], each once
    assert {tuple(line[1:3]) for line in second} == {("agree", "0.0")}
