"""The house shows the way of the data: imports go one way, and some rooms never see others."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tierkit"
# Each room may import from the rooms before it, and from itself.
ROOMS = (
    "errors",
    "files",
    "processes",
    "parallel",
    "figure",
    "statistics",
    "cache",
    "calendar",
    "words",
    "criterion_words",
    "table",
    "settings",
    "crm",
    "features",
    "_outcomes",
    "models",
    "forecast",
    "_backtest",
    "tiers",
    "serving",
    "roi",
    "customers",
    "charts",
    "rendering",
    "publishing",
    "push",
    "simulate",
    "runs",
    "library",
    "sklearn",
    "pages",
    "dossiers",
    "explorer",
    "commands",
    "reference",
    "cli",
    "__main__",
)
BLIND = ("features", "models", "tiers")
UNSEEN = ("_outcomes", "_backtest", "roi")


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported_rooms(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = node.module == "tierkit"
            names = [f"tierkit.{a.name}" for a in node.names] if whole else [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "tierkit" and len(parts) > 1:
                yield parts[1]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    room = room_of(path)
    if room == "__init__":
        return
    assert room in ROOMS, f"give {room} its place in the order of rooms"
    allowed = {*ROOMS[: ROOMS.index(room) + 1]}
    later = {name for name in imported_rooms(path) if name in ROOMS and name not in allowed}
    assert not later, f"{room} imports what comes after it: {sorted(later)}"


def reaches_inside(path):
    """Return the imports of a file from the inside of another room than its own."""
    own = room_of(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        package, *way = node.module.split(".")
        if package != "tierkit" or not way or way[0] == own:
            continue
        if len(way) > 1:
            yield node.module
        folder = PACKAGE / way[0]
        yield from (a.name for a in node.names if (folder / f"{a.name}.py").is_file())


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_other_rooms_use_what_a_room_names(path):
    assert not list(reaches_inside(path)), "import it from the room, and name it in its __init__"


@pytest.mark.parametrize("stub", sorted(PACKAGE.rglob("__init__.pyi")), ids=str)
def test_what_a_room_names_is_there_and_is_no_module(stub):
    folder = stub.parent
    room = import_module(".".join(folder.relative_to(PACKAGE.parent).parts))
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else []:
            assert getattr(room, alias.name) is not None
            assert not (folder / f"{alias.name}.py").exists(), (
                f"{alias.name} names a module as well"
            )


def defined(tree):
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        for target in node.targets if isinstance(node, ast.Assign) else ():
            yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_defines_each_name_once(path):
    names = Counter(defined(ast.parse(path.read_text(encoding="utf-8"))))
    assert not [name for name, times in names.items() if times > 1]


@pytest.mark.parametrize("room", BLIND)
def test_what_decides_cannot_see_outcomes(room):
    seen = {name for path in modules() if room_of(path) == room for name in imported_rooms(path)}
    assert not seen & set(UNSEEN)


def mentions_as_of(node):
    return any(
        (isinstance(part, ast.Name) and part.id == "as_of")
        or (isinstance(part, ast.Attribute) and part.attr == "as_of")
        or (isinstance(part, ast.Constant) and part.value == "as_of")
        for part in ast.walk(node)
    )


def compares_with_as_of(path):
    order = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, order) for operator in node.ops)
        and mentions_as_of(node)
    ]


def test_only_the_calendar_compares_dates_with_as_of():
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in modules()
        if room_of(path) != "calendar" and (lines := compares_with_as_of(path))
    }
    assert not found


HEAVY = ("duckdb", "pandas", "matplotlib", "sklearn", "interpret", "IPython", "papermill", "numpy")


@pytest.mark.parametrize("statement", ["import tierkit", "import tierkit.cli"])
def test_importing_is_light_and_warns_of_nothing(statement):
    code = f"import sys; {statement}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("statement", "slow"),
    [
        ("import tierkit; tierkit.open_run", ("nbformat", "scipy.stats", "matplotlib")),
        (
            "from tierkit.pages import write_report; from tierkit.dossiers import account_dossier",
            ("nbformat", "scipy.stats"),
        ),
    ],
)
def test_what_every_kernel_imports_reads_no_notebooks(statement, slow):
    """Reading notebooks compiles grammars for seconds, and a run starts a kernel per notebook."""
    code = f"import sys; {statement}; print(*[m for m in {slow!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_public_name_can_be_had():
    import tierkit

    for name in [*tierkit.__all__, "__version__"]:
        assert getattr(tierkit, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        tierkit.no_such_name  # noqa: B018
