"""Lessons found by what stands in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import run

from autograd_cli.lessons import library
from autograd_cli.lessons.card import FENCE
from autograd_cli.lessons.library import MOST, cards, search

LESSON = f"""---
title: A lesson of its own
group: Mine
order: 7
summary: about nothing
---

## A heading with requires_grad

What **accumulates** is a sum, `x**2` and `x**3` alike; and it goes on for a long while after that.

{FENCE}python
seen = 1  # and leafless
{FENCE}

{FENCE}quiz
question: And now?
answer: 1
checks: seen
why: secretly
{FENCE}

{FENCE}python hidden
assert isclose(seen, 1)
{FENCE}
"""


@pytest.fixture
def excerpt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    (tmp_path / "lonely.md").write_text(LESSON, encoding="utf-8")
    return lambda words: [text for _, text in search(words, cards())]


def test_a_search_finds_names_and_text(tmp_path: Path) -> None:
    found = run("lesson", "search", "anomaly", "WHERE", environ={"XDG_STATE_HOME": str(tmp_path)})
    assert found.code == 0
    assert [line.split("\t")[0] for line in found.out.splitlines()] == ["nan"]
    shown = run("lesson", "search", "version count", terminal=True)
    assert "in-place: " in shown.out
    nothing = run("lesson", "search", "quaternion", terminal=True)
    assert (nothing.code, nothing.out) == (1, "")
    assert nothing.err == "no lesson has 'quaternion'; agx lesson lists them all\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("grad", ["A heading with requires_grad"]),
        ("GRAD heading", ["A heading with requires_grad"]),
        ("rad", []),  # in the middle of a word
        ("x**3", ["What accumulates is a sum, x**2 and x**3 alike; and it goes on for a …"]),
        ("after", ["… a sum, x**2 and x**3 alike; and it goes on for a long while after that."]),
        ("seen", ["seen = 1  # and leafless"]),
        ("leaf sum", ["What accumulates is a sum, x**2 and x**3 alike; and it goes on for a …"]),
        ("lonely", ["lonely"]),
        ("nothing", ["about nothing"]),
        ("isclose", []),  # hidden from the reader
        ("secretly", []),  # it would give an answer away
        ("order", []),
        ("sum missing", []),
    ],
)
def test_what_a_reader_sees_is_searched(words: str, found: list[str], excerpt: object) -> None:
    assert excerpt(words) == found  # type: ignore[operator]


def test_an_excerpt_is_whole_words_of_one_line() -> None:
    for _, text in search("a", cards()):
        assert len(text) <= MOST + 4
        assert text.count("\n") == 0
