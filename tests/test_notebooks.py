"""Notebooks call and show: thin, clean, and they run from the top on the sample."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_company import CHEAP
from tierkit.publishing.notebooks import RUN_NOTEBOOKS, check_notebook
from tierkit.runs.project import NOTEBOOKS as ORDER, sample_project
from tierkit.settings import SETTINGS_FILE
from tierkit.simulate import simulate_crm, write_crm

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parent.parent / "notebooks"
# those of a run first: the others show what they left
NOTEBOOKS = sorted(
    FOLDER.glob("*.ipynb"),
    key=lambda path: (*(path.stem != name for name in RUN_NOTEBOOKS), path.stem),
)
FORBIDDEN = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.Try,
    ast.AsyncFor, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
MOST_LINES = 40


def cells(path):
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


def test_every_notebook_of_a_run_is_there():
    assert set(RUN_NOTEBOOKS) <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_thin(path):
    code = [source(cell) for cell in cells(path) if not _is_tagged(cell)]
    lines = [line for text in code for line in text.splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES
    for cell in cells(path):
        found = [type(node).__name__ for node in ast.walk(ast.parse(source(cell)))
                 if isinstance(node, FORBIDDEN)]  # fmt: skip
        assert not found, f"{path.name}: {found} in {source(cell)!r}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_and_with_its_own_cell_ids(path):
    content = json.loads(path.read_text())
    assert all(not c["outputs"] and c["execution_count"] is None for c in cells(path))
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)
    assert not any(one.isdigit() for one in ids)


@pytest.mark.parametrize("name", RUN_NOTEBOOKS)
def test_a_notebook_keeps_to_the_parameters_of_a_run(name):
    assert check_notebook(FOLDER / f"{name}.ipynb") == {
        "project": "",
        "run_folder": "",
        "quarter": "",
        "settings": "",
    }
    (parameters,) = (c for c in cells(FOLDER / f"{name}.ipynb") if _is_tagged(c))
    assert all("#" in line for line in source(parameters).splitlines())


def _is_tagged(cell):
    return "parameters" in cell["metadata"].get("tags", [])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_where_it_stands_and_takes_settings(path):
    content = json.loads(path.read_text())
    guide = next(c for c in content["cells"] if "guide" in c["metadata"].get("tags", []))
    words = source(guide)
    step = ORDER.index(path.stem)
    assert words.startswith(f"**Step {step + 1} of {len(ORDER)}**")
    for label in ("In the quarter's work:", "To change:", "Files:"):
        assert f"**{label}**" in words
    following = ORDER[step + 1 : step + 2]
    assert all(f"next: [{name}]({name}.ipynb)" in words for name in following)
    assert 'settings = ""' in source(next(c for c in cells(path) if _is_tagged(c)))


def test_every_notebook_runs_from_the_top_on_the_sample(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sample = sample_project().folder
    # a sample of 120 accounts and two simulated companies are enough to run every cell
    write_crm(simulate_crm(accounts=120, quarters=12), sample)
    settings = sample / SETTINGS_FILE
    cheap = settings.read_text().replace("[roi]\n", "[roi]\ncertificate_worlds = 2\n")
    assert "certificate_worlds" in cheap
    settings.write_text(cheap + CHEAP)
    copies = []
    for path in (one for one in NOTEBOOKS if one.stem != "explore_criteria"):
        copies.append(tmp_path / path.name)
        copies[-1].write_text(
            path.read_text().replace('project = \\"\\"', 'project = \\"sample\\"')
        )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider",
         "-c", os.devnull, "--rootdir", str(tmp_path), *map(str, copies)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
