"""Which words of a command line are options: only exact names, because `-x**2` is an expression.

The rule, once for all commands:

- a word is an option only if it is an exact option name, or `--name=value`;
- an option that takes a value takes the next word, even one that begins with a minus;
- every other word is an argument as long as one is wanted, also if it begins with a minus;
- except a word that is clearly a mistyped option, which is reported with the nearest name;
- after `--`, the arguments that are still wanted are taken as they are.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from autograd_cli.errors import UsageError

CLOSE = 0.7  # difflib's ratio from which on a word counts as a mistyped name
LIKE_A_VALUE = re.compile(r"\w+(\[[\d,]*\])?=[^=].*", re.DOTALL)  # x=2, as --at has it
LIKE_AN_OPTION = re.compile(r"--?[A-Za-z][A-Za-z-]*(=.*)?", re.DOTALL)


@dataclass(frozen=True)
class Grammar:
    """What a command accepts.

    `options` maps every option name to whether it takes a value; `arguments` are the names of the
    positional arguments; `elsewhere` maps options of other commands to the command that has them.
    """

    command: str
    options: Mapping[str, bool]
    arguments: Sequence[str]
    elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Words:
    """A command line taken apart, in order: `(name, value)` of options, and arguments.

    `after` has the option that an argument, by its place, came after at once.
    """

    options: list[tuple[str, str | None]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    after: dict[int, tuple[str, str]] = field(default_factory=dict)

    def add(self, argument: str, before: tuple[str, str | None] | None) -> None:
        if before is not None and before[1] is not None:
            self.after[len(self.arguments)] = before[0], before[1]
        self.arguments.append(argument)

    def canonical(self) -> list[str]:
        """The same command line in the form that no parser can misread."""
        words = [word for name, value in self.options for word in _spelled(name, value)]
        return [*words, "--", *self.arguments]

    def suspects(self) -> list[str]:
        """The arguments that could have been meant as options."""
        return [word for word in self.arguments if LIKE_AN_OPTION.fullmatch(word)]


def take_apart(words: Sequence[str], grammar: Grammar) -> Words:
    """Sort the words of a command line. Raises UsageError for what is no option and not wanted."""
    found = Words()
    rest = list(reversed(words))
    literal = False
    before: tuple[str, str | None] | None = None  # the option that the word follows
    while rest:
        word = rest.pop()
        wanted = len(grammar.arguments) - len(found.arguments)
        last, before = before, None
        if literal and wanted > 0:
            found.add(word, last)
        elif word == "--" and not literal:
            literal = True
        elif word in grammar.options:
            before = word, _value(word, rest, grammar)
            found.options.append(before)
        elif word.startswith("--") and word.partition("=")[0] in grammar.options:
            found.options.append(_joined(word, grammar))
        elif wanted > 0 and not _is_mistyped(word, grammar):
            found.add(word, last)
        else:
            found.add(word, last)
            raise _unwanted(found, grammar)
    return found


def _value(name: str, rest: list[str], grammar: Grammar) -> str | None:
    if not grammar.options[name]:
        return None
    if not rest or rest[-1] in grammar.options or rest[-1] == "--":
        hint = f"if {name!r} is the expression, write it after '--'" if len(name) == 2 else ""
        raise UsageError(f"option {name!r} needs a value", hint=hint or _help_hint(grammar))
    return rest.pop()


def _joined(word: str, grammar: Grammar) -> tuple[str, str | None]:
    name, _, value = word.partition("=")
    if not grammar.options[name]:
        raise UsageError(f"option {name!r} takes no value", hint=f"write {name!r} alone")
    return name, value


def _spelled(name: str, value: str | None) -> Iterable[str]:
    return (name,) if value is None else (name, value)


def _is_mistyped(word: str, grammar: Grammar) -> bool:
    """Whether the word is an option of another command, or nearly one of this."""
    if not LIKE_AN_OPTION.fullmatch(word) or len(word.lstrip("-")) < 2:
        return False
    name = word.partition("=")[0]
    return name in grammar.elsewhere or (name.startswith("--") and bool(_nearest(name, grammar)))


def _nearest(word: str, grammar: Grammar) -> list[str]:
    name = "--" + word.partition("=")[0].lstrip("-")
    known = [option for option in grammar.options if option.startswith("--")]
    return difflib.get_close_matches(name.lower(), known, n=1, cutoff=CLOSE)


def _unwanted(found: Words, grammar: Grammar) -> UsageError:
    """The error for a word too many, the last one, or for what was taken for an argument instead of
    it."""
    for place, (name, value) in found.after.items():
        stray = found.arguments[place]
        if "=" in value and LIKE_A_VALUE.fullmatch(stray):
            together = shlex.quote(f"{value.rstrip(', ')},{stray}")
            return UsageError(
                f"unexpected argument {stray!r}", hint=f"put commas between them: {name} {together}"
            )
    suspects = found.suspects()
    for suspect in suspects:
        if _is_mistyped(suspect, grammar) or _nearest(suspect, grammar):
            return no_such_option(suspect, grammar)
    if suspects:
        return no_such_option(suspects[0], grammar)
    *others, word = found.arguments
    hint = _help_hint(grammar)
    if len(others) in found.after:
        name, value = found.after[len(others)]
        hint = f"{name} takes one value, and has {shlex.quote(value)}"
    elif others:
        hint = "put quotes around an expression that has spaces or brackets"
    return UsageError(f"unexpected argument {word!r}", hint=hint)


def no_such_option(word: str, grammar: Grammar) -> UsageError:
    """The error for an option that does not exist here, with what may have been meant."""
    name = word.partition("=")[0]
    single, attached = word[:2], word[2:]
    nearest = _nearest(name, grammar)
    if name in grammar.options and attached.startswith("="):
        return UsageError(f"no such option {word!r}", hint=f"write '{single} {attached[1:]}'")
    if name in grammar.elsewhere:
        hint = f"it is an option of 'agx {grammar.elsewhere[name]}'"
    elif nearest and nearest[0] != f"-{name}" and attached and grammar.options.get(single):
        hint = f"did you mean '{single} {attached}' or {nearest[0]!r}?"
    elif nearest:
        hint = f"did you mean {nearest[0]!r}?"
    elif attached and grammar.options.get(single):
        hint = f"did you mean '{single} {attached}'?"
    else:
        hint = _help_hint(grammar)
    return UsageError(f"no such option {name!r}", hint=hint)


def _help_hint(grammar: Grammar) -> str:
    return f"see agx {grammar.command} --help".replace("  ", " ")
