"""Project folders: making one, and finding the one that a notebook belongs to."""

from __future__ import annotations

import shutil
from pathlib import Path

from tierkit.errors import SettingsError
from tierkit.settings import FILE_NAME, Settings, read_settings

OVERRIDES = "overrides.csv"
OVERRIDES_HEADER = "account_id,tier,reason,set_by,set_on,review_on\n"
NOTEBOOKS = ("fit_tier_model", "validate_tier_roi", "recalibrate")
_SAMPLE = Path(".tierkit") / "sample"


def make_project(folder: Path, *, sample: bool = False) -> list[Path]:
    """Make a project folder and return what was made.

    Parameters
    ----------
    folder
        Made if it does not exist; it must not hold a project yet.
    sample
        Whether to fill it with a simulated CRM.

    Raises
    ------
    SettingsError
        If the folder holds a project already, or cannot be made.
    """
    if (folder / FILE_NAME).exists():
        raise SettingsError(f"{folder}: holds a {FILE_NAME} already. Name another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = _fill_with_sample(folder) if sample else _fill(folder)
        return [*written, *_copy_notebooks(folder)]
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be made: {error.strerror}.") from error


def find_project(start: str = "") -> Settings:
    """Return the settings of the project that a folder belongs to.

    Parameters
    ----------
    start
        The folder, or one inside it; the working folder by default. Where none of the folders above
        holds a project, a sample project is made once in `.tierkit/sample` and returned.
    """
    place = Path(start).resolve() if start else Path.cwd()
    for folder in (place, *place.parents):
        if (folder / FILE_NAME).is_file():
            return read_settings(folder)
    if start:
        raise SettingsError(
            f"{start}: no {FILE_NAME} there or above. `tierkit init DIR` makes one."
        )
    if not (_SAMPLE / FILE_NAME).is_file():
        make_project(_SAMPLE, sample=True)
    return read_settings(_SAMPLE)


def _fill(folder: Path) -> list[Path]:
    template = Path(__file__).parent / "templates" / FILE_NAME
    settings, overrides, data = folder / FILE_NAME, folder / OVERRIDES, folder / "data"
    data.mkdir(exist_ok=True)
    shutil.copyfile(template, settings)
    overrides.write_text(OVERRIDES_HEADER, encoding="utf-8", newline="\n")
    return [settings, overrides, data]


def _fill_with_sample(folder: Path) -> list[Path]:
    from tierkit.simulate import simulate_crm, write_crm

    return write_crm(simulate_crm(), folder)


def _copy_notebooks(folder: Path) -> list[Path]:
    from tierkit.reporting.notebooks import packaged_notebook

    target = folder / "notebooks"
    target.mkdir(exist_ok=True)
    copies = []
    for name in NOTEBOOKS:
        copies.append(target / f"{name}.ipynb")
        shutil.copyfile(packaged_notebook(name), copies[-1])
    return copies
