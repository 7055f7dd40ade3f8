"""Tables as they are found: with comments, a line for Excel, blanks, decimal commas, in Latin-1.

They are read as if they were plain CSV, and it is said on stderr what was found out.
"""

from __future__ import annotations

import csv
import io
import itertools
import shlex
import subprocess
from pathlib import Path

import pytest
from cli_runner import run

from autograd_cli.data import delimited, numbers
from autograd_cli.data.names import listing, quoted
from autograd_cli.points.table_input import read_mapping

LARGE = 10_000  # rows, which are more than are read without pyarrow


def written(folder: Path, content: bytes | str, name: str = "t.csv") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


CASES = {
    "comments": ("# one\n# two, three\nx,y\n1,2\n3,4\n", ["2 lines begin with # above the header"]),
    "a block of them": ("#\n# one\n#\nx,y\n1,2\n3,4\n", ["3 lines begin with # above the header"]),
    "in between": ("x,y\n1,2\n# one\n3,4\n#5,6\n", ["2 lines begin with # among the rows"]),
    "both": (
        "#one\nx,y\n1,2\n#two\n3,4\n",
        ["1 line begins with # above the header", "1 line begins with # among the rows"],
    ),
    "numpy": (
        "# x y\n1 2\n3 4\n",
        ["has the names of its columns in a comment: x y", "has blanks"],
    ),
    "names in a comment": (
        "# made by hand\n#x,y\n1,2\n3,4\n",
        ["has the names of its columns in a comment: x,y", "1 line begins with # above"],
    ),
    "excel": ("sep=;\r\nx;y\r\n1;2\r\n3;4\r\n", ["says what stands between its cells: ';'"]),
    "excel quoted": ('"sep=|"\nx|y\n1|2\n3|4\n', ["says what stands between its cells: '|'"]),
    "excel odd": ("SEP=:\nx:y\n1:2\n3:4\n", ["says what stands between its cells: ':'"]),
    "excel blank": ("sep= \nx y\n1 2\n3 4\n", ["says what stands between its cells: ' '"]),
    "excel, marked": ("\ufeffsep=;\nx;y\n1;2\n3;4\n", ["says what stands between"]),
    "blanks": ("x y\n1 2\n3 4\n", ["has blanks between its cells"]),
    "many blanks": ("  x    y\n  1    2 \n 3\t 4\n\n", ["has blanks between its cells"]),
    "a mark": ("\ufeffx,y\n1,2\n3,4\n", []),
    "plain": ("x,y\n1,2\n3,4\n", []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_table_looks_like_is_recognised_and_said(case: str, tmp_path: Path) -> None:
    content, notes = CASES[case]
    path = written(tmp_path, content)
    found = run("eval", "x*y", "--points", path, "-f", "csv")
    assert (found.code, found.out) == (0, "x,y,value\n1,2,2.0\n3,4,12.0\n")
    told = found.err.splitlines()
    assert len(told) == len(notes)
    assert all(line.startswith("note: ") and repr(path) in line for line in told)
    for note in notes:
        assert note in found.err


@pytest.mark.parametrize("case", CASES)
def test_data_of_fits_are_recognised_too(case: str, tmp_path: Path) -> None:
    content, notes = CASES[case]
    path = written(tmp_path, content)
    found = run("fit", "linear", "--data", path, "--json")
    assert found.code == 0
    for note in notes:
        assert note in found.err


def test_errors_name_the_line_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "# one\nsep\n".replace("sep\n", "") + "x y\n1 2\n# two\n\n3 ?\n")
    found = run("eval", "x*y", "--points", path)
    assert f"error: '{path}', line 6: column 'y' is '?', which is no number\n" in found.err


# No comments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "out"),
    [
        ("#,x,y\n1,2,3\n", "#,x,y,value\n1,2,3,6.0\n"),  # a column of this name
        ("id,x,y\n#1,2,3\n#a,2,3\n", "id,x,y,value\n#1,2,3,6.0\n#a,2,3,6.0\n"),  # a name in a row
        ("x,y,c\n2,3,#fff\n", "x,y,c,value\n2,3,#fff,6.0\n"),
        ('id,x,y\n"a\n#b",2,3\n', 'id,x,y,value\n"a\n#b",2,3,6.0\n'),  # within a cell
    ],
)
def test_what_begins_with_the_sign_and_is_no_comment(
    content: str, out: str, tmp_path: Path
) -> None:
    found = run("eval", "x*y", "--points", written(tmp_path, content), "-f", "csv")
    assert (found.code, found.out, found.err) == (0, out, "")


def test_a_header_of_years_below_a_comment(tmp_path: Path) -> None:
    path = written(tmp_path, "# Some Bank\nx,1990,1991\n1,2,3\n")
    found = run("eval", "x*y", "--points", path, "--map", "y=1990", "-f", "csv")
    assert found.out == "x,1990,1991,value\n1,2,3,2.0\n"


def test_one_column_whose_name_has_a_blank(tmp_path: Path) -> None:
    path = written(tmp_path, "Time (s)\n1.5\n")
    found = run("eval", "x", "--points", path, "--map", "x=Time (s)", "-f", "csv")
    assert (found.out, found.err) == ("Time (s),value\n1.5,1.5\n", "")


# Large files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row", "odd"),
    [
        ("x,y,n", "{0},2,a", "# a comment"),
        ("n,x,y", "{0},{0},2", "#1,2,3"),
        ("x;y;n", "{0};2,5;a", "3;4;1,5"),
        ("x;n;y", "{0};a;2", "3;2,5;4"),
        ("x y n", "{0} 2 a", "# 3"),
        ("x;y;n", "{0};2;a", "3;4;süß"),
    ],
)
def test_large_files_are_read_as_small_ones(
    header: str, row: str, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where pyarrow reads what is clean, it reads nothing that is not."""
    rows = [row.format(number) for number in range(LARGE)]
    rows.insert(LARGE // 2, odd)
    content = "\n".join([header, *rows, ""]).encode("latin-1" if "ß" in odd else "utf-8")
    path = written(tmp_path, content)
    words = ("eval", "x*y", "--points", path, "-f", "csv")
    fast = run(*words)
    monkeypatch.setattr(delimited, "has_arrow", lambda: False)
    monkeypatch.setattr("autograd_cli.render.streams.text.has_arrow", lambda: False)
    assert run(*words) == fast
    assert fast.code == 0
    assert len(fast.out.splitlines()) == LARGE + 1 + (not odd.startswith("#"))


# Latin-1 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
@pytest.mark.parametrize(
    "text",
    [
        "x;y;Größe\n1;2;a\n3;4;b\n",
        "x;y;n\n1;2;süß\n3;4;b\n",
        "x;y;n\n1;2;a\n3;4;naïve\n",
        "x,y,°C\n1,2,a\n3,4,b\n",
    ],
)
def test_latin_1_is_read_and_said(text: str, encoding: str, tmp_path: Path) -> None:
    path = written(tmp_path, text.encode(encoding))
    found = run("eval", "x*y", "--points", path, "-f", "csv")
    as_utf = run("eval", "x*y", "--points", written(tmp_path, text, "u.csv"), "-f", "csv")
    assert (found.code, found.out) == (0, as_utf.out)
    assert as_utf.err == ""
    assert found.err == f"note: '{path}' is no UTF-8 text, and is read as Latin-1\n"


def test_what_is_of_both_kinds_is_neither(tmp_path: Path) -> None:
    """After a cell in UTF-8, another byte is damage: nothing is guessed."""
    path = written(tmp_path, "x,n\n1,süß\n".encode() + b"2,s\xfc\xdf\n")
    found = run("eval", "x", "--points", path)
    assert found.code == 3
    assert "is not UTF-8 text" in found.err


# Decimal commas ------------------------------------------------------------------------------

COMMAS = "x;y;n;other\n1,5;2;a;7,25\n-3,25e2;4;b, c;8\n,5;1;c;\n"


def test_decimal_commas_come_out_as_points(tmp_path: Path) -> None:
    path = written(tmp_path, COMMAS)
    found = run("eval", "x*y", "--points", path, "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert [row["x"] for row in rows] == ["1.5", "-3.25e2", ".5"]
    assert [row["other"] for row in rows] == ["7.25", "8", ""]
    assert [row["n"] for row in rows] == ["a", "b, c", "c"]
    assert [float(row["value"]) for row in rows] == [3.0, -1300.0, 0.5]


@pytest.mark.parametrize("format", ["csv", "plain", "ndjson", "parquet"])
def test_what_comes_out_is_read_again(format: str, tmp_path: Path) -> None:
    path = written(tmp_path, COMMAS)
    out = tmp_path / f"o.{'tsv' if format == 'plain' else format}"
    assert run("eval", "x*y", "--points", path, "-o", str(out)).code == 0
    if format == "plain":
        lines = "x\ty\tn\tother\tv\n" + out.read_text()
        out.write_text(lines)
    words = ["--points", str(out)] + (["--map", "x=x"] if format != "ndjson" else [])
    source = "row" if format == "ndjson" else ""
    if source:
        records = out.read_text().splitlines()
        assert all('"n"' in line for line in records)
        assert '"other": "7.25"' in records[0]
        return
    again = run("eval", "x*y + 0", *words, "-f", "csv", "--on-error", "skip")
    if format == "csv":  # which has a column that is called as the result is
        assert "has a column 'value'" in again.err
        text = out.read_text().replace("value", "first")
        out.write_text(text)
        again = run("eval", "x*y + 0", *words, "-f", "csv")
    if format == "parquet":
        assert "has a column 'value'" in again.err
        return
    found = [float(line.rpartition(",")[2]) for line in again.out.splitlines()[1:]]
    assert found == [3.0, -1300.0, 0.5]


def test_pandas_reads_what_comes_out(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = written(tmp_path, COMMAS)
    out = tmp_path / "o.csv"
    assert run("eval", "x*y", "--points", path, "-o", str(out)).code == 0
    frame = pandas.read_csv(out)
    assert frame["x"].tolist() == [1.5, -325.0, 0.5]
    assert frame["other"].tolist()[:2] == [7.25, 8.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1,5", "1.5"), ("-,5e3", "-.5e3"), ("1,2,3", "1,2,3"), ("a,5", "a,5"), (" 2,5 ", " 2.5 ")],
)
def test_only_numbers_are_changed(text: str, expected: str) -> None:
    assert numbers.with_point(text) == expected


# Names that can be pasted --------------------------------------------------------------------

NAMES = (
    *("Time (s)", "a b", "x's", 'say "x"', "$HOME", "a;b", "back\\slash", "`id`", "tab\tin", "*"),
    *("größe", "a,b", "a, y=3", "x=1", "#", "~", "(", "&", "!", "a'b\"c"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_reads_back_what_is_quoted(name: str) -> None:
    assert shlex.split(quoted(f"x={name}")) == [f"x={name}"]
    found = subprocess.run(
        ["bash", "-c", f"printf %s {quoted(f'x={name}')}"], capture_output=True, text=True
    )
    assert found.stdout == f"x={name}"


@pytest.mark.parametrize("name", [name for name in NAMES if "\t" not in name])
def test_the_hint_can_be_pasted(name: str, tmp_path: Path) -> None:
    """What it says after --map, given to a shell, does what it says."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[name, "other"], ["2", "a"]])
    path = written(tmp_path, out.getvalue())
    told = run("eval", "3*volts", "--points", path).err
    option = told.partition("--map ")[2].partition(" takes another column")[0]
    words = f"eval '3*volts' --points {shlex.quote(path)} --map {option} -f csv"
    read = subprocess.run(["bash", "-c", f"printf '%s\\0' {words}"], capture_output=True, text=True)
    found = run(*read.stdout.split("\0")[:-1])
    assert (found.code, found.out.rstrip().endswith("6.0")) == (0, True), found.err


def test_simple_names_are_shown_as_they_are() -> None:
    assert quoted("x=col3") == "x=col3"
    assert listing(["x", "x[0]", "Time (s)", "größe"]) == 'x, x[0], "Time (s)", größe'
    assert listing([f"c{number}" for number in range(14)]).endswith("c11 and 2 more")


def test_the_columns_of_fits_are_quoted_too(tmp_path: Path) -> None:
    path = written(tmp_path, "Time (s),y\n1,2\n2,3\n3,5\n")
    found = run("fit", "linear", "--data", path, "--y", "volts")
    assert 'it has: "Time (s)", y' in found.err


def test_a_column_whose_name_looks_like_two_mappings() -> None:
    assert read_mapping(["x=a, y=3"]) == {"x": "a", "y": "3"}
    assert read_mapping(["x=a, y=3"], ["a, y=3"]) == {"x": "a, y=3"}


# Whatever is put together --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "first", "comment", "between"),
    list(itertools.product([b"", b"\xef\xbb\xbf"], [True, False], ["", "# c\n"], ";|\t")),
)
def test_all_of_it_together(
    mark: bytes, first: bool, comment: str, between: str, tmp_path: Path
) -> None:
    lines = [f"sep={between}\n"] if first else []
    lines += [comment, f"x{between}y\n", f"1,5{between}2\n", comment, f"3{between}4,5\n"]
    found = run("eval", "x*y", "--points", written(tmp_path, mark + "".join(lines).encode()))
    assert found.code == 0
    assert found.out == "1.5\t2\t3.0\n3\t4.5\t13.5\n"
