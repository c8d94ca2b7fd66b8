"""What must stand on the pages of a recalibration, whatever the data."""

from __future__ import annotations

from tierkit.reporting.underway import ReportPlan

REPORT_PLAN = ReportPlan(
    figures={"leadership.html": ("tier-sizes",)},
    ahead={
        "fit_tier_model": "tierkit.recalibration.leave_without_model",
        "validate_tier_roi": "tierkit.recalibration.leave_serving",
    },
    tables={"analyst.html": ("read", "criteria", "tiers", "settings")},
)
