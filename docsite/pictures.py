"""Pictures of pages, made by a headless browser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_browser() -> str | None:
    """Return the browser that is installed, None where none is."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def take_picture(page: Path, picture: Path, *, width: int = 1100, height: int = 900) -> bool:
    """Take a picture of the upper part of a page; return whether a browser was there to do it."""
    browser = find_browser()
    if browser is None:
        return False
    picture.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--screenshot={picture}",
                page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
    return picture.is_file()
