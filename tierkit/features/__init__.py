"""Trusted tables → one row per account and as_of, from what was known strictly before it."""

from tierkit.features.panel import Panel, build_panel
from tierkit.features.windows import available_look_back, history_start

__all__ = ["Panel", "available_look_back", "build_panel", "history_start"]
