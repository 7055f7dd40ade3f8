"""The options about many points that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from autograd_cli.commands.options import choice, whole, words
from autograd_cli.points.on_error import ON_ERROR

PANEL = "Many points"

PointsOption = Annotated[
    str | None,
    typer.Option(
        "--points",
        metavar="FILE",
        help="a table of points: CSV, TSV, NDJSON, Parquet or Arrow, a column for each variable;"
        " - is stdin",
        rich_help_panel=PANEL,
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=COLUMN",
        help="the column of a variable, where it has another name; repeatable",
        rich_help_panel=PANEL,
    ),
]
OnError = Annotated[
    str,
    typer.Option(
        "--on-error",
        metavar="WHAT",
        help=f"what a row that cannot be used does: {', '.join(ON_ERROR)} (its results are empty)",
        rich_help_panel=PANEL,
        callback=choice("--on-error", ON_ERROR),
        autocompletion=words(ON_ERROR),
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        metavar="N",
        help="worker threads, beside which others read and write; 1: a single thread does all; by"
        " default as many as there are cores",
        rich_help_panel=PANEL,
        callback=whole("--jobs", 1, 1_000),
    ),
]
Append = Annotated[
    bool,
    typer.Option("--append", help="add the rows to the file of -o", rich_help_panel=PANEL),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="continue a run into -o that was interrupted; without it, nothing is written over the"
        " rows of such a run",
        rich_help_panel=PANEL,
    ),
]
