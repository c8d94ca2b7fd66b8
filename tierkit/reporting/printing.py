"""The leadership page as PDF, through a Chrome, Chromium or Edge that is installed already."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
          "microsoft-edge", "microsoft-edge-stable", "msedge")  # fmt: skip
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
_QUIET = ("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--disable-extensions",
          "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer")  # fmt: skip
_SECONDS = 60
_DATE = re.compile(rb"\(D:\d{14}")
_SAME = "Printing the page from a browser to PDF gives the same."
NO_BROWSER = (
    "No PDF: no Chrome, Chromium or Edge is installed here. Install one, or take pdf out of "
    f"run.formats. {_SAME}"
)


def find_browser() -> Path | None:
    """Return an installed browser that can print, None where there is none; nothing is fetched."""
    found = (shutil.which(name) for name in _NAMES)
    places = (place for place in _PLACES if Path(place).is_file())
    first = next((path for path in (*found, *places) if path), None)
    return None if first is None else Path(first)


def print_page(page: Path, target: Path) -> str:
    """Print a page to PDF; the same page gives the same bytes from the same browser.

    Returns
    -------
    str
        Empty when it is done; otherwise why there is no PDF, in a sentence. It is never an error:
        the page itself prints the same.
    """
    browser = find_browser()
    if browser is None:
        return NO_BROWSER
    with tempfile.TemporaryDirectory(prefix="tk-print-") as profile:
        printed_to = Path(profile) / "page.pdf"
        own = (f"--user-data-dir={profile}", f"--print-to-pdf={printed_to}")
        command = [str(browser), *_QUIET, *_as_root(), *own, page.resolve().as_uri()]
        try:
            subprocess.run(
                command, check=True, timeout=_SECONDS, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            printed = printed_to.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            return f"No PDF: {browser.name} did not print the page ({_short(error)}). {_SAME}"
    target.write_bytes(_DATE.sub(b"(D:20000101000000", printed))
    return ""


def _as_root() -> list[str]:
    """Return what Chrome needs to run as root, as it does in containers."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _short(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"not done within {_SECONDS} seconds"
    if isinstance(error, subprocess.CalledProcessError):
        return f"it ended with status {error.returncode}"
    return str(error)
