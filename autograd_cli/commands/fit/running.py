"""Run a fit, show it while it goes on, and end it cleanly when Ctrl-C asks for that."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from autograd_cli.commands.fit.options import Options
from autograd_cli.commands.printing import Printing
from autograd_cli.engine.descent.comparing import Begun, Comparing
from autograd_cli.figures import Figure
from autograd_cli.progress import Progress
from autograd_cli.render import (
    emit_run,
    regression_figures,  # noqa: F401  # registers
)
from autograd_cli.render.course import Course, figures
from autograd_cli.render.pictures import figure_text, picture_kind, write_picture
from autograd_cli.render.run import Run
from autograd_cli.results.comparison import BY_OPTIMIZER
from autograd_cli.results.fit import Fitting, Step

WATCHED = 2.0  # seconds that a demonstration takes on a terminal, at least
SHOWN = 10  # steps that a table shows of a long fit, if it is not told otherwise

Start = Callable[[str], Fitting]  # a fit, ready to run, with the optimizer of this name


def run(
    start: Start,
    optimizer: str,
    steps: int | None,
    options: Options,
    printing: Printing,
    *,
    demonstration: bool = False,
) -> int:
    """Run the fit, or one with each optimizer that is to be compared, and return the exit code.

    `steps` is how many there will be, or None where a fit ends when it is done. On a terminal a
    `demonstration` goes on slowly enough to be watched.
    """
    from autograd_cli.engine.core.threads import one_thread

    if options.compare:
        begun = [(name, lambda name=name: start(name)) for name in options.compared]
        return compare(BY_OPTIMIZER, begun, steps, options, printing)
    course = _course(options)
    with one_thread(), stoppable() as stopped:
        fitting = start(optimizer)
        going = Run(
            fitting,
            _shows(steps, options, printing),
            stopped,
            total=steps,
            live=_is_live(printing),
            pace=WATCHED if demonstration and not options.quiet else 0.0,
        )
        if course is not None:
            going.watch(course.observe)
        emit_run(going, printing.console, printing.output)
    if course is not None:
        landscape = getattr(fitting, "landscape", None)
        _draw(figures(going.result, course, landscape), options, printing)
    return going.result.exit_code


def compare(
    by: str,
    begun: Sequence[Begun],
    steps: int | None,
    options: Options,
    printing: Printing,
) -> int:
    """Run several fits one after another, show them side by side, and return the exit code.

    NDJSON has the steps of every fit before the result. Ctrl-C ends the one that is running,
    and those that were not begun are left out.
    """
    from autograd_cli.engine.core.threads import one_thread

    course = _course(options)
    streams = printing.output.format.name == "ndjson"
    most = steps or SHOWN
    shows = _shows(steps, options, printing) if streams else None
    with one_thread(), stoppable() as stopped:
        # The bar is gone before a result is written; rows that run past say themselves how far.
        with Progress(printing.console, beside=streams) as progress:

            def watch(step: Step, label: str, ended: int) -> None:
                what = label if by == BY_OPTIMIZER else f"rate {float(label):.4g}"
                progress.at(ended * most + min(step.step, most), most * len(begun), what)

            going = Run(Comparing(by, begun, watch), shows, stopped)
            if streams:
                emit_run(going, printing.console, printing.output)
            else:
                _ = going.result
        if not streams:
            emit_run(going, printing.console, printing.output)
    if course is not None:
        _draw(figures(going.result, course, None), options, printing)
    return going.result.exit_code


def _course(options: Options) -> Course | None:
    """What observes the steps to draw them, where that is wanted.

    Raises: UsageError for a file that is no picture, before anything is computed.
    """
    if options.plot:
        picture_kind(options.plot, "--plot")
    return Course() if options.plot or options.show else None


def _draw(drawn: Sequence[Figure], options: Options, printing: Printing) -> None:
    """Write figures into the file that is named, and show them on the terminal."""
    console = printing.console
    if options.plot:
        write_picture(drawn, options.plot, "--plot", console)
    if options.show:
        shown = figure_text(drawn, console)
        if printing.output.format.name == "table" and not printing.output.file:
            console.stdout.write(shown)
        else:  # stdout is for programs
            console.flush()
            console.draw(shown)


def _is_live(printing: Printing) -> bool:
    """Whether what is written can be drawn over again."""
    console, output = printing.console, printing.output
    able = console.terminal and console.environ.get("TERM", "dumb") != "dumb"
    return able and output.format.name == "table" and not output.file


def _shows(steps: int | None, options: Options, printing: Printing) -> Callable[[int], bool] | None:
    """Which steps are shown: all to programs, and some to people."""
    if options.quiet:
        return None
    every = options.every
    if every is None and printing.for_people:
        if steps is None:
            return lambda step: step % 10 ** (len(str(step)) - 1) == 0
        every = max(1, steps // SHOWN)
    return lambda step: step % (every or 1) == 0


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed meanwhile; a second one interrupts what does not look."""
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
