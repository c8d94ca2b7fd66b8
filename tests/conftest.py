"""What holds for every test: how long an example takes is the machine's business."""

from __future__ import annotations

import pytest
from hypothesis import settings

import tierkit
from tests.explored import copy_project, reopened
from tests.small_company import write_small_company

settings.register_profile("tierkit", deadline=None)
settings.load_profile("tierkit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold slow tests, so that no worker is left with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def company(tmp_path_factory):
    """A project of 200 simulated accounts, for the explorer."""
    return write_small_company(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="session")
def basis(company):
    """What an explorer of the company starts from."""
    return tierkit.explore(str(company)).basis


@pytest.fixture
def project(company, tmp_path):
    """A project of its own settings and overrides, with the company's data."""
    return copy_project(company, tmp_path)


@pytest.fixture
def explorer(basis, project):
    """An explorer that a test may change."""
    return reopened(basis, project)
