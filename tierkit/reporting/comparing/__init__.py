"""What changed between two published runs: settings, data, tiers, verdicts."""

from __future__ import annotations

from tierkit.reporting.comparing.difference import RunDifference, compare_runs
from tierkit.reporting.comparing.page import difference_page
from tierkit.reporting.comparing.published import PublishedRun, find_run, read_run
from tierkit.reporting.comparing.wording import difference_text

__all__ = [
    "PublishedRun",
    "RunDifference",
    "compare_runs",
    "difference_page",
    "difference_text",
    "find_run",
    "read_run",
]
