"""A company under exploration, read and fitted once, for every test of the explorer."""

from __future__ import annotations

import shutil
from dataclasses import replace

from tierkit.explorer import Explorer
from tierkit.settings import read_settings


def copy_project(company, folder):
    """Return a project of its own settings and overrides, with the company's data."""
    for name in ("tierkit.toml", "overrides.csv"):
        shutil.copy(company / name, folder)
    (folder / "data").symlink_to(company / "data")
    return folder


def reopened(basis, project):
    """Return an explorer of a project without reading the same data again."""
    work = replace(basis.run, settings=read_settings(project))
    return Explorer(replace(basis, run=work))
