"""What holds for every test: how long an example takes is the machine's business."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tierkit", deadline=None)
settings.load_profile("tierkit")
