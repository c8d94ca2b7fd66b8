"""Benches stand on what production code names: none is left behind by a change."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCHES = sorted(path.stem for path in (Path(__file__).parent.parent / "benches").glob("[a-z]*.py"))


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_can_be_imported(name):
    assert importlib.import_module(f"benches.{name}").__doc__
