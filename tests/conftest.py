"""What holds for every test: how long an example takes is the machine's business."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("tierkit", deadline=None)
settings.load_profile("tierkit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold slow tests, so that no worker is left with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
