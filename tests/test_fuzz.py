"""Hostile inputs end in something safe or in an error in words; nothing of them is ever run."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from benches import fuzz
from tierkit.cli import main
from tierkit.cli.app import plain

IN_PROCESS = range(30_000, 30_000 + 2 * len(fuzz.KINDS))
BY_COMMAND = range(40_000, 40_010)


@pytest.mark.parametrize("seed", IN_PROCESS)
def test_a_hostile_input_is_safe_or_refused_in_words(tmp_path, seed):
    found = fuzz.outcome(seed, tmp_path / "project")
    assert found.end in ("safe", "refused"), found


@pytest.mark.parametrize(
    "unsafe",
    [lambda _rng, folder: (folder / fuzz.CANARY).touch(), lambda _rng, _folder: 1 / 0],
    ids=["runs a command", "fails without words"],
)
def test_what_is_not_safe_is_seen(tmp_path, monkeypatch, unsafe):
    monkeypatch.setattr(fuzz, "KINDS", (unsafe,))
    assert fuzz.outcome(0, tmp_path / "project").end == "bare"


@pytest.mark.parametrize("seed", BY_COMMAND)
def test_the_command_says_so_in_lines_that_a_terminal_can_show(tmp_path, capsys, seed):
    """The title and another setting are hostile; what they would run was not run."""
    rng = np.random.default_rng(seed)
    toml = tmp_path / "tierkit.toml"
    toml.write_text("[run]\ntitle = 'Acme'\n")
    texts = (f"run.title={fuzz.hostile(rng)}", f"{fuzz.hostile(rng)}={fuzz.hostile(rng)}")
    with pytest.raises(SystemExit) as ended:
        main(["check", "-f", str(toml), "--set", texts[0], "--set", texts[1]])
    assert ended.value.code in (2, 3)
    shown = capsys.readouterr()
    lines = (shown.out + shown.err).split("\n")
    assert 1 < len(lines) <= 40
    assert all(line == plain(line) for line in lines)
    assert not Path(fuzz.CANARY).exists()
