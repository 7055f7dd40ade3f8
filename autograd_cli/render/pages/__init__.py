"""The page of every kind of result, imported when it is shown."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

from autograd_cli.render.document import Page
from autograd_cli.render.run import Run

# The kind of result → the module here and its function.
PAGES: Mapping[str, str] = {
    "QuadraticFit": "descent:quadratic_page",
    "MinimumFit": "descent:minimum_page",
    "TrainingStep": "network:step_page",
    "NetworkFit": "network:network_page",
    "Regression": "regression:regression_page",
    "Comparison": "comparison:comparison_page",
}


def page_of(result: object) -> Page | None:
    """The page of a result; None for a kind that has none, such as no result at all."""
    row = PAGES.get(type(result).__name__)
    if row is None:
        return None
    module, _, function = row.partition(":")
    found = getattr(importlib.import_module(f"{__name__}.{module}"), function)(result)
    return cast(Page, found)


def page_of_run(run: Run) -> Page | None:
    """The page of a fit where its steps are not shown: what comes before them is part of it."""
    page = page_of(run.result)
    if page is None:
        return None
    title, *parts = page
    return [title, *(page_of(run.introduction) or ()), *parts]
