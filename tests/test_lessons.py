"""Every lesson is run, and every number in it is true: its claims, its questions, its commands.

The lessons share a process that has imported torch; each is forked from it, with a state of its
own. `test_lesson_command.py` runs them as a learner does.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator

import pytest
from cli_runner import run

from autograd_cli.lessons.answers import agrees, value_of
from autograd_cli.lessons.card import minutes
from autograd_cli.lessons.lesson import Code, Commands, Lesson, Picture, Prose
from autograd_cli.lessons.library import cards
from autograd_cli.lessons.performance import Performance, complaint
from autograd_cli.lessons.reader import read_lesson
from autograd_cli.lessons.session import Session
from autograd_cli.render.lesson.drawing import figure

CARDS = cards()
NAMES = [card.name for card in CARDS]

# What has to be there whatever else is.
TOPICS = """three-ways first-gradient requires-grad the-graph dynamic-graph chain-rule accumulation
    vector-backward matrix-gradient dimensions retain-graph higher-order backward-or-grad detach
    in-place leaf memory jacobian gradient-check vanishing-exploding nan stability mixed-precision
    linear-regression minimisation optimizers neural-network surface"""


def in_process(line: str) -> tuple[int, str]:
    """A command of agx, run here: torch is imported already."""
    done = run(*shlex.split(line)[1:])
    return done.code, done.out + done.err


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    with Session([card.path for card in CARDS]) as shared:
        yield shared


def lesson_of(name: str) -> Lesson:
    return read_lesson(CARDS[NAMES.index(name)].path)


def test_every_topic_has_its_lesson() -> None:
    assert set(NAMES) == set(TOPICS.split())


@pytest.mark.parametrize("name", NAMES)
def test_the_claims_hold(name: str, session: Session) -> None:
    """Every block runs as it says, and every question has the right answer."""
    lesson = lesson_of(name)
    performance = Performance(lesson, session, NAMES.index(name), in_process)
    asserts = 0
    try:
        for block in lesson.runnable():
            done = performance.run(block)
            assert done.broken is None
            if isinstance(block, Code):
                asserts += block.source.count("assert ") + (block.expected is not None)
                for question, truth in zip(block.questions, performance.values, strict=True):
                    assert agrees(value_of(question.answer), truth), (question, truth)
            if isinstance(block, Picture):
                assert figure(block, performance.values).layers
    finally:
        session.finish(NAMES.index(name))
    assert asserts >= 4


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_checked_against_what_the_lesson_computed(name: str) -> None:
    """Not against themselves: each check uses a name that the lesson's Python has bound."""
    for block in lesson_of(name).blocks:
        for question in block.questions if isinstance(block, Code) else ():
            used = {
                one.id for one in ast.walk(ast.parse(question.checks)) if isinstance(one, ast.Name)
            }
            assert used, question


@pytest.mark.parametrize("name", NAMES)
def test_it_ends_with_three_commands_that_work(name: str) -> None:
    lesson = lesson_of(name)
    assert isinstance(lesson.blocks[-1], Commands)
    assert len(lesson.trials) == 3
    for command in lesson.trials:
        assert complaint(command, *in_process(command.text)) == ""


@pytest.mark.parametrize("name", NAMES)
def test_it_is_made_like_a_lesson(name: str) -> None:
    lesson = lesson_of(name)
    card = lesson.card
    assert 3 <= card.minutes <= 7
    assert card.questions >= 1
    assert isinstance(lesson.blocks[0], Prose)
    assert not [block for block in lesson.blocks if isinstance(block, Commands) and not block.line]
    for block in lesson.blocks:
        if isinstance(block, Code):
            assert max(map(len, block.source.splitlines())) <= 74 or block.hidden
        if isinstance(block, Code) and block.raises:
            assert not isinstance(lesson.blocks[-1], Code)  # the cure comes after it


def test_the_order_is_a_course() -> None:
    groups = [card.group for card in CARDS]
    assert len({card.order for card in CARDS}) == len(CARDS)
    assert list(dict.fromkeys(groups)) == [
        *("First steps", "The graph", "Gradients", "Traps", "Trust", "Learning"),
    ]
    assert groups == sorted(groups, key=list(dict.fromkeys(groups)).index)


def test_warnings_mark_the_points_that_are_often_told_wrongly() -> None:
    for name in ("retain-graph", "in-place", "leaf", "gradient-check"):
        assert "> ⚠" in lesson_of(name).card.path.read_text("utf-8"), name


def test_a_reading_time_counts_words_lines_and_commands() -> None:
    assert minutes("one two three") == 1
    assert minutes("word " * 340) == 2
    assert minutes("```python\n" + "x = 1\n" * 40 + "```\n") == 2
    assert minutes("```python hidden\n" + "x = 1\n" * 40 + "```\n") == 1
    assert minutes("```sh\n" + "agx info\n" * 10 + "```\n") == 2
