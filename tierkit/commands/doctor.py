"""The parts of an installation, and how to fix what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass

from tierkit.errors import TierkitError

OLDEST_PYTHON = (3, 11)
REQUIRED = (
    "duckdb",
    "interpret-core",
    "ipykernel",
    "ipywidgets",
    "jupyterlab",
    "matplotlib",
    "narwhals",
    "nbconvert",
    "numpy",
    "pandas",
    "papermill",
    "pyarrow",
    "pydantic",
    "scikit-learn",
    "statsmodels",
    "typer",
    "xlsxwriter",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
NOTEBOOKS = ("fit_tier_model", "validate_tier_roi", "recalibrate")


@dataclass(frozen=True)
class Finding:
    """One part of an installation.

    Attributes
    ----------
    fine, optional
        Whether it is as it should be, and whether tierkit works without it.
    fix
        What to do, empty where it is fine.
    """

    part: str
    found: str
    fine: bool = True
    optional: bool = False
    fix: str = ""

    def __str__(self) -> str:
        """Return the finding as one line."""
        mark = "ok      " if self.fine else ("optional" if self.optional else "MISSING ")
        return f"{mark} {self.part}: {self.found}{'. ' + self.fix if self.fix else ''}"


def examine_installation() -> list[Finding]:
    """Return what is there of everything that tierkit needs or can use."""
    return [
        _python(),
        _package("tierkit"),
        *(_package(name) for name in REQUIRED),
        _kernel(),
        *(_notebook(name) for name in NOTEBOOKS),
        _browser(),
    ]


def _python() -> Finding:
    fine = sys.version_info >= OLDEST_PYTHON
    fix = "" if fine else "Install Python 3.11 or newer."
    return Finding("Python", f"{platform.python_version()} ({sys.executable})", fine, fix=fix)


def _package(name: str) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "not installed", fine=False, fix="Run pip install tierkit again.")


def _kernel() -> Finding:
    if importlib.util.find_spec("ipykernel_launcher"):
        return Finding("kernel", "this interpreter, whatever kernel a notebook names")
    fix = "Run pip install ipykernel in this environment."
    return Finding("kernel", "ipykernel cannot be started", fine=False, fix=fix)


def _notebook(name: str) -> Finding:
    from tierkit.publishing import packaged_notebook

    try:
        return Finding(f"notebook {name}", str(packaged_notebook(name)))
    except TierkitError as error:
        return Finding(f"notebook {name}", "not found", fine=False, fix=str(error))


def _browser() -> Finding:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        return Finding("browser for PDF", found, optional=True)
    fix = "Pages are made without one; print them from any browser."
    return Finding("browser for PDF", "none found", fine=False, optional=True, fix=fix)
