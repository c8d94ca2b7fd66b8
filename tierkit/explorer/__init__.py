"""The explorer for JupyterLab: criteria and tiers that answer while one drags.

State and methods know no widget (`session`), pages are plain HTML (`pages/`), controls stand beside
them (`controls/`).
"""

from __future__ import annotations

from tierkit.explorer.opening import Explorer, explore

__all__ = ["Explorer", "explore"]
