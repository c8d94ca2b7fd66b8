"""What must stand on the pages of a recalibration, whatever the data."""

from __future__ import annotations

from tierkit.reporting.underway import ReportPlan

REPORT_PLAN = ReportPlan(
    figures={"leadership.html": ("tier-sizes",)},
    ahead="tierkit.recalibration.certify",
    tables={"analyst.html": ("read", "criteria", "tiers", "settings")},
)
