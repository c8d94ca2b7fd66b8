"""Project folders: making one, and finding the one that a notebook belongs to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import tierkit
from tierkit.errors import SettingsError
from tierkit.files import make_folder, write_whole
from tierkit.settings import SETTINGS_FILE, Settings, read_settings, settings_template

OVERRIDES = "overrides.csv"
SAMPLE = "sample"
OVERRIDES_HEADER = "account_id,tier,reason,set_by,set_on,review_on\n"
NOTEBOOKS = (
    "tables_to_tiers",
    "explore_criteria",
    "fit_tier_model",
    "validate_tier_roi",
    "recalibrate",
    "account_dossier",
)
"""The notebooks of a project in the order of a quarter's work."""


def make_project(folder: Path, *, sample: bool = False, exports: Path | None = None) -> list[Path]:
    """Make a project folder and return what was made.

    Parameters
    ----------
    folder
        Made if it does not exist; it must not hold a project yet.
    sample
        Whether to fill it with a simulated CRM.
    exports
        A folder of exports, from which the settings are guessed.

    Raises
    ------
    SettingsError
        If the folder holds a project already, or cannot be made.
    DataError
        If the folder of exports holds no table.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     made = make_project(Path(folder) / "acme")
    >>> [file.name for file in made][:2]
    ['tierkit.toml', 'overrides.csv']
    """
    if (folder / SETTINGS_FILE).exists():
        raise SettingsError(f"{folder}: holds a {SETTINGS_FILE} already. Name another folder.")
    guessed = None if exports is None else _guessed(exports, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = _fill_with_sample(folder) if sample else _fill(folder, guessed)
        return [*written, *_copy_notebooks(folder)]
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be made: {error.strerror}.") from error


def find_project(start: str = "", *, changes: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of the project that a folder belongs to.

    Parameters
    ----------
    start
        The folder, or one inside it; the working folder by default; `sample` for the simulated
        sample, where no folder of that name is a project.
    changes
        Settings by dotted path that are put over those of the file.

    Raises
    ------
    SettingsError
        If there is no project, or its settings are wrong.

    Examples
    --------
    >>> from tierkit.dossiers.example import example_run
    >>> run = example_run()
    >>> find_project(str(run.settings.folder / "data")).tiers[0].name
    'Tier 1'
    """
    place = Path(start).resolve() if start else Path.cwd()
    if start == SAMPLE and not (place / SETTINGS_FILE).is_file():
        place = sample_project().folder
    for folder in (place, *place.parents):
        if (folder / SETTINGS_FILE).is_file():
            return read_settings(folder, changes=changes)
    where = start or f"{place} (the working folder)"
    raise SettingsError(
        f"{where}: no {SETTINGS_FILE} there or above. Name the project's folder, or `sample` for "
        "a simulated one; `tierkit init DIR` makes one."
    )


def sample_project() -> Settings:
    """Return the settings of the sample project, which is made once in the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "tierkit" / f"sample-{tierkit.__version__}"
    if not (folder / SETTINGS_FILE).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / "sample"
            make_project(made, sample=True)
            if not folder.exists():  # another process may have been quicker
                made.rename(folder)
    return read_settings(folder)


def _fill(folder: Path, guessed: str | None) -> list[Path]:
    settings, overrides, data = folder / SETTINGS_FILE, folder / OVERRIDES, folder / "data"
    write_whole(settings, guessed or settings_template())
    write_whole(overrides, OVERRIDES_HEADER)
    if guessed is not None:
        return [settings, overrides]
    make_folder(data, below=folder)
    return [settings, overrides, data]


def _guessed(exports: Path, folder: Path) -> str:
    """Return settings guessed from a folder of exports; what cannot be is as in the template."""
    from tierkit.crm import guess_settings

    if not exports.is_dir():
        raise SettingsError(f"--from {exports}: no such folder.")
    source = os.path.relpath(exports.resolve(), folder.resolve())
    usual = settings_template()
    return (
        guess_settings(exports, source=Path(source).as_posix()) + usual[usual.index("\n[target]") :]
    )


def _fill_with_sample(folder: Path) -> list[Path]:
    from tierkit.simulate import simulate_crm, write_crm

    return write_crm(simulate_crm(), folder)


def _copy_notebooks(folder: Path) -> list[Path]:
    from tierkit.publishing import packaged_notebook

    target = make_folder(folder / "notebooks", below=folder)
    copies = [target / f"{name}.ipynb" for name in NOTEBOOKS]
    for name, copy in zip(NOTEBOOKS, copies, strict=True):
        write_whole(copy, packaged_notebook(name).read_bytes(), lasting=False)
    return copies
