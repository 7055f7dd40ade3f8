"""What holds for all tests."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

pytest.register_assert_rewrite("golden_files")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _strict((yield))


def _strict(report: Report) -> Report:
    """With AGX_SKIPS_FAIL=1 what is skipped fails: where all is installed, all must run."""
    if report.skipped and os.environ.get("AGX_SKIPS_FAIL") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped: {report.longrepr}"
    return report
