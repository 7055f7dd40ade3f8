"""The pages about the code say what is true: rooms, their sentences, and files that exist."""

from __future__ import annotations

import ast
import re

import pytest
from cli_runner import ROOT
from test_safe import FLOORS, TREES

PAGES = ("docs/architecture.md", "docs/numerics.md", "CONTRIBUTING.md")
NAMED = re.compile(r"`((?:autograd_cli|tests|docs|benchmarks|\.ci)/[\w./-]+)`")


def sentence(room: str) -> str:
    """The first sentence of what the docstring of a room says."""
    text = ast.get_docstring(TREES[f"{room}/__init__.py"])
    assert text, f"{room} says nothing of itself"
    return " ".join(text.partition("\n\n")[0].split())


ROOMS = sorted(path.removesuffix("/__init__.py") for path in TREES if path.endswith("/__init__.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_one_sentence(room: str) -> None:
    said = sentence(room)
    assert said[-1] == "."
    assert ". " not in said


def test_the_page_has_the_floors_and_the_rooms() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    floors = re.findall(r"^\| \d+ \| (.*) \|$", page, re.MULTILINE)
    for told, rooms in zip(floors, FLOORS, strict=True):
        own = [one.removesuffix("/__init__") for one in rooms]
        wanted = [f"`{one}/`" if f"{one}/__init__.py" in TREES else f"`{one}`" for one in own]
        assert told == ", ".join(wanted)
    for room in ROOMS:
        assert f"- `{room}/`: {sentence(room)}" in page.replace("\n  ", " ")


@pytest.mark.parametrize("page", PAGES)
def test_the_files_that_pages_name_are_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    missing = [name for name in NAMED.findall(text) if not (ROOT / name).exists()]
    assert not missing
