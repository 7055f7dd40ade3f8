"""An explanation at the reader's pace: one block for each key that is pressed."""

from __future__ import annotations

from autograd_cli.commands.keyboard import ENDS, has_keyboard, keys, prompt
from autograd_cli.commands.printing import Printing
from autograd_cli.errors import UsageError
from autograd_cli.render import FORMATS
from autograd_cli.render.style import Style
from autograd_cli.results.explanation import Explanation

PROMPT = "any key: the next step   q: the end"


def check(printing: Printing) -> None:
    """Raises UsageError where there is nobody to press a key, or nothing to be played."""
    console = printing.console
    if printing.output.format is not FORMATS["table"] and console.terminal:
        raise UsageError(
            f"--step plays the table, and not {printing.output.format.name}",
            hint="leave one of them out",
        )
    if printing.output.file or not has_keyboard(console):
        raise UsageError(
            "--step waits for keys, so it needs a terminal to read from and to write to",
            hint="leave it out: the whole explanation is printed at once",
        )


def play(result: Explanation, printing: Printing) -> None:
    """Print the first block, and one more for every key; the terminal is left as it was found."""
    from autograd_cli.render import terminal
    from autograd_cli.render.explanation.page import blocks

    console = printing.console
    style = Style.of_console(console, printing.output.precision)
    found = blocks(result, style)
    out = console.stdout
    terminal.write_block([[], *found[0]], out, style)
    with keys(console) as pressed:
        for number in range(1, len(found)):
            prompt(console, PROMPT)
            key = next(pressed)
            prompt(console, "")
            if key in ENDS:
                break
            console = console.resized()
            if console.width != style.width:
                style = Style.of_console(console, printing.output.precision)
                again = blocks(result, style)
                found = again if len(again) == len(found) else found
            terminal.write_block(found[number], out, style)
    terminal.write_block([[]], out, style)
    console.complain("".join(f"warning: {text}\n" for text in result.warnings))
