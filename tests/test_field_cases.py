"""Exports in the shape of what people really have are read right, or refused in words that help."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from benches.field_cases import CASES, EXPECTED, read_case

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CASES is None, reason="the field cases of ../shared are not here"),
]


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_is_read_right_or_refused_with_a_reason(tmp_path, name):
    ended = read_case(CASES / name / "in", tmp_path, EXPECTED[name])
    assert ended.end in ("right", "refused with reason"), f"{ended.end} {ended.won}\n{ended.said}"


def test_every_case_is_expected_to_end_somehow():
    there = {folder.name for folder in CASES.iterdir() if (folder / "in").is_dir()}
    assert there == set(EXPECTED)
