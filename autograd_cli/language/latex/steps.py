"""Recursive descent without recursion: every rule of the grammar is a generator.

A rule that needs another one yields it and is sent its result. `run` keeps the rules that wait in a
list of its own, so nesting is limited by what is sensible and not by Python's stack (trampolined
style; Ganz, Friedman & Wand, 1999).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

Result = TypeVar("Result")
Rule = Generator["Rule[Any]", Any, Result]


def run(rule: Rule[Result]) -> Result:
    """The result of a rule, with all rules that it asks for."""
    waiting: list[Rule[Any]] = [rule]
    result: Any = None
    while waiting:
        try:
            asked = waiting[-1].send(result)
        except StopIteration as done:
            waiting.pop()
            result = done.value
        else:
            waiting.append(asked)
            result = None
    return result
