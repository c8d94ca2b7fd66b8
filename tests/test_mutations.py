"""Corrupted inputs end in tables that conserve money or in an error in words, never in a trace."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from benches.marks import outcomes as marked
from benches.mutations import outcome, write_corrupted
from tierkit.cli import main

pytestmark = pytest.mark.slow
IN_PROCESS = range(10_000, 10_010)
BY_COMMAND = range(20_000, 20_004)


@pytest.mark.parametrize("seed", IN_PROCESS)
def test_a_corrupted_input_ends_in_trusted_tables_or_in_words(tmp_path, seed):
    found = outcome(seed, tmp_path / "project")
    assert found.end in ("trusted", "2", "3"), found


@pytest.mark.parametrize("seed", BY_COMMAND)
def test_the_command_says_so_and_exits_with_2_or_3(tmp_path, capsys, seed):
    write_corrupted(seed, tmp_path / "project")
    with pytest.raises(SystemExit) as ended:
        main(["check", "-f", str(tmp_path / "project")])
    assert ended.value.code in (0, 2, 3)
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err


def test_a_mark_of_a_real_export_is_read_right_named_or_refused():
    bad = [found for found in marked(range(5_000, 5_020)) if found.end in ("silent", "crash")]
    assert not bad
