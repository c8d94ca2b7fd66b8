"""Running notebooks: what is refused before a kernel starts, how a run ends, one run at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from report_samples import PARAMETERS, notebook, write_notebook
from tiny_runs import over_once_entered

from tierkit.errors import (
    DataError,
    GateError,
    KernelDiedError,
    NotebookError,
    SettingsError,
    TimeLimitError,
)
from tierkit.files import lock, project_lock
from tierkit.publishing.execute import execute_notebook
from tierkit.publishing.leaks import local_paths, scrubbed, secret_values
from tierkit.publishing.notebooks import (
    check_notebook,
    notebook_parameters,
    packaged_notebook,
    project_notebook,
)

# ---- parameters: names and types are checked, never guessed --------------------------------------


def test_misspelt_parameter_is_refused_with_the_right_name():
    with pytest.raises(SettingsError, match=r"quater: is no parameter. Did you mean quarter\?"):
        notebook_parameters("recalibrate", {"quater": "2026Q3"})


@pytest.mark.parametrize("value", [False, 12, 1.5, None, Path("x")])
def test_value_of_another_type_is_refused(value):
    with pytest.raises(SettingsError, match=r"quarter: must be str, found"):
        notebook_parameters("recalibrate", {"quarter": value})


def test_every_wrong_parameter_is_named_at_once():
    with pytest.raises(SettingsError) as caught:
        notebook_parameters("recalibrate", {"quater": "2026Q3", "project": 1})
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("text", ["0012", "false", "a=b", "None"])
def test_text_stays_text(text):
    assert notebook_parameters("recalibrate", {"quarter": text}) == {"quarter": text}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (PARAMETERS.replace("quarter", "quater"), "quater: is no parameter. Did you mean quarter?"),
        (PARAMETERS.replace("quarter", "quater"), "quarter: is missing"),
        (PARAMETERS + "\nquarter = ''", "does not give one name a plain value"),
        (PARAMETERS.replace('quarter = ""', "quarter = 3"), "quarter: must be str, found 3 (int)"),
        (PARAMETERS.replace('quarter = ""', 'quarter = f"{project}"'), "line 3"),
        (PARAMETERS.replace('quarter = ""', "quarter = project"), "`quarter = project`"),
        (PARAMETERS + "\nimport os", "`import os`"),
        (PARAMETERS + "\nproject, quarter = '', ''", "plain value"),
        ("project = ", "is no Python"),
    ],
)
def test_parameters_cell_holds_literals_of_the_known_names(tmp_path, cell, said):
    path = write_notebook(tmp_path / "fit.ipynb", notebook(parameters=cell))
    with pytest.raises(SettingsError) as caught:
        check_notebook(path)
    assert said in str(caught.value)


def test_defaults_may_hold_equal_signs_annotations_and_comments(tmp_path):
    cell = 'project: str | None = "a=b"  # where\nrun_folder = ""\nquarter = (\n    "2026Q3"\n)'
    path = write_notebook(tmp_path / "fit.ipynb", notebook(parameters=cell))
    assert check_notebook(path) == {"project": "a=b", "run_folder": "", "quarter": "2026Q3"}


@pytest.mark.parametrize("cell", ["quarter = '2026Q4'", "%time\nfor quarter in []: pass"])
def test_later_cells_do_not_assign_parameters_again(tmp_path, cell):
    path = write_notebook(tmp_path / "fit.ipynb", notebook("1", cell))
    with pytest.raises(SettingsError, match="code cell 3 assigns the parameter quarter again"):
        check_notebook(path)


@pytest.mark.parametrize("tagged", [[], [1], [0, 1]])
def test_the_first_code_cell_alone_is_tagged(tmp_path, tagged):
    made = notebook("1")
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    for at, cell in enumerate(code):
        cell.metadata["tags"] = ["parameters"] if at in tagged else []
    with pytest.raises(SettingsError, match="the first code cell, and no other, must be tagged"):
        check_notebook(write_notebook(tmp_path / "fit.ipynb", made))


def test_file_that_is_no_notebook_is_refused(tmp_path):
    (tmp_path / "fit.ipynb").write_text("hello")
    with pytest.raises(SettingsError, match=r"fit.ipynb: is no notebook"):
        check_notebook(tmp_path / "fit.ipynb")


def test_missing_notebooks_are_named_with_the_nearest(tmp_path):
    write_notebook(tmp_path / "notebooks" / "recalibrate.ipynb", notebook())
    assert project_notebook(tmp_path, "recalibrate").is_file()
    with pytest.raises(SettingsError, match=r"Did you mean recalibrate\?"):
        project_notebook(tmp_path, "recalibrat")
    with pytest.raises(SettingsError, match=r"no_such_thing.ipynb: no such notebook"):
        packaged_notebook("no_such_thing")


# ---- one notebook: which kernel, which copy ------------------------------------------------------


def run(folder: Path, made: nbformat.NotebookNode, *, name: str = "tiny", limit: float = 60):
    path = write_notebook(folder / f"{name}.ipynb", made)
    return execute_notebook(
        path,
        parameters={"project": str(folder), "quarter": "0012"},
        folder=folder,
        copy=folder / "run" / f"{name}.ipynb",
        time_limit=limit,
        replacements=local_paths(folder),
    )


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The same notebook, once naming a kernel that nobody has, once none at all."""
    folder = tmp_path_factory.mktemp("project")
    cells = (
        "import os, sys, matplotlib\nprint(sys.executable, repr(quarter), os.getcwd() == project)",
        "print(project)\nprint(matplotlib.get_backend())",
        "print({os.environ[name] for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS')})",
        "import matplotlib.pyplot as plt\nplt.bar([1], [2]);",
        "import tierkit; tierkit.__name__",
    )
    other = {"name": "py39_new", "display_name": "Python 3.9 (new)", "language": "python"}
    first = run(folder, notebook(*cells, kernelspec=other), name="first")
    second = run(folder, notebook(*cells), name="second")
    return folder, first, second


def outputs(execution) -> str:
    cells = (cell for cell in execution.notebook.cells if cell.cell_type == "code")
    return "".join(
        output.get("text", "") or output.data["text/plain"]
        for cell in cells
        for output in cell.outputs
    )


def test_the_kernel_is_this_python_whatever_the_notebook_names(twice):
    _, first, second = twice
    assert outputs(first).startswith(f"{sys.executable} '0012' True\n")
    assert outputs(second) == outputs(first)
    assert outputs(first).endswith("'tierkit'")


def test_a_figure_of_ones_own_is_a_picture_with_the_same_bytes_each_time(twice):
    pictures = [
        output.data["image/png"]
        for execution in twice[1:]
        for cell in execution.notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 2
    assert pictures[0] == pictures[1]


def test_linear_algebra_keeps_to_one_thread_however_many_processors_there_are(twice):
    _, first, _ = twice
    assert "\n{'1'}\n" in outputs(first)


def test_copies_hold_neither_times_nor_local_paths_and_are_equal(twice):
    folder, _, _ = twice
    first, second = (
        (folder / "run" / f"{name}.ipynb").read_bytes() for name in ("first", "second")
    )
    assert first == second
    text = first.decode()
    assert str(folder) not in text
    assert "<project>" in text
    assert not {"start_time", "duration", "iopub.execute_input", "papermill"} & set(text.split('"'))


def test_time_and_memory_are_known(twice):
    _, first, _ = twice
    if sys.platform == "linux":
        assert first.peak_memory > 10_000_000


def test_nothing_of_the_kernel_is_left_behind(twice):
    folder, _, _ = twice
    assert sorted(path.name for path in (folder / "run").iterdir()) == [
        "first.ipynb",
        "second.ipynb",
    ]


# ---- how a notebook can fail: each kind has its error, and the copy is kept ----------------------


@pytest.mark.parametrize(
    ("cell", "kind", "said"),
    [
        ("1 / 0", NotebookError, "tiny, cell 4 (Tiny): ZeroDivisionError: division by zero"),
        (
            "from tierkit.errors import DataError\nraise DataError('accounts: 2 rows')",
            DataError,
            "tiny, cell 4 (Tiny): accounts: 2 rows",
        ),
        ("import sys; sys.exit(0)", NotebookError, "cell 4 (Tiny): stopped the notebook by `exit`"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            KernelDiedError,
            "tiny, cell 4 (Tiny): the kernel died. It was killed, most likely because memory",
        ),
        ("import os; os._exit(3)", KernelDiedError, "It ended by itself with status 3."),
        (
            "import warnings; warnings.warn('old way', stacklevel=1)",
            GateError,
            "tiny, cell 4 (Tiny) wrote to standard error:",
        ),
    ],
    ids=["raises", "tierkit error", "exit", "killed", "quits", "warns"],
)
def test_failures_name_the_cell_and_the_cause(tmp_path, cell, kind, said):
    made = notebook("1", cell, "2")
    with pytest.raises(kind) as caught:
        run(tmp_path, made)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert (tmp_path / "run" / "tiny.ipynb").is_file()


def test_a_cell_that_goes_on_when_the_time_is_over_ends_with_its_kernel(tmp_path, monkeypatch):
    over_once_entered(monkeypatch, "while True")
    made = notebook("import os; _ = open('pid', 'w').write(str(os.getpid()))", "while True: pass")
    with pytest.raises(TimeLimitError, match=r"tiny, cell 4 \(Tiny\): not done when the 60"):
        run(tmp_path, made)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_time_limit_holds_for_the_notebook_not_for_each_cell(tmp_path):
    with pytest.raises(TimeLimitError, match="tiny"):
        run(tmp_path, notebook(*["1"] * 20), limit=0.1)


# ---- what belongs to this computer ---------------------------------------------------------------


def test_scrubbing_leaves_its_argument_alone():
    given = {"a": ["/srv/x/b", "/srv/xy"]}
    assert scrubbed(given, [("/srv/x", "<project>")]) == {"a": ["<project>/b", "/srv/xy"]}
    assert given == {"a": ["/srv/x/b", "/srv/xy"]}


def test_short_values_and_files_are_no_secrets():
    variables = {"CRM_PASSWORD": "hunter22", "API_KEY": "12345", "KEY_PATH": "/etc/long/name"}
    assert secret_values(variables) == {"CRM_PASSWORD": "hunter22"}


# ---- one run at a time ---------------------------------------------------------------------------

HOLD = (
    "import sys; from pathlib import Path; from tierkit.files import project_lock\n"
    "with project_lock(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of the project in `tmp_path`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_is_told_who_holds_the_lock(tmp_path, holder):
    said = rf"process {holder.pid} on .+, since 2"
    with pytest.raises(SettingsError, match=said), project_lock(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with project_lock(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()
    assert (tmp_path / "lock").read_text() == ""


def test_a_run_can_wait_for_another(tmp_path, monkeypatch):
    held, asked = threading.Event(), threading.Event()

    def hold_for_a_moment():
        with project_lock(tmp_path):
            held.set()
            asked.wait()

    def asked_once(_seconds):
        asked.set()

    monkeypatch.setattr(lock, "time", SimpleNamespace(monotonic=time.monotonic, sleep=asked_once))
    other = threading.Thread(target=hold_for_a_moment)
    other.start()
    held.wait()
    with project_lock(tmp_path, wait=600):
        pass
    other.join()


def test_the_lock_is_released_by_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="inside"), project_lock(tmp_path):
        raise RuntimeError("inside")
    with project_lock(tmp_path):
        pass
