"""`python -m docsite.readme_pictures PROJECT`: the pictures of README, from a project's report."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from docsite.pictures import find_browser, take_picture
from tests.test_explorer_in_jupyterlab import (
    NOTEBOOK,
    TOKEN,
    drag_the_capacity,
    run_all,
    running_lab,
)

IMAGES = Path(__file__).parent.parent / "docs" / "images"
SIZE = {"width": 1100, "height": 900}


def main(project: Path) -> None:
    """Take the pictures again and say where they lie."""
    report = max((project / "reports").glob("2*"))
    if not take_picture(report / "leadership.html", IMAGES / "leadership.png", **SIZE):
        sys.exit("no browser was found")
    picture_of_explorer(project, IMAGES / "explorer.png")
    print(*sorted(IMAGES.glob("*.png")), sep="\n")


def picture_of_explorer(project: Path, picture: Path) -> None:
    """Open a project's explorer in JupyterLab, change a capacity, and take a picture of it."""
    from playwright.sync_api import sync_playwright

    notebook = project / "notebooks" / NOTEBOOK.name
    with TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-quic"]
        )
        with running_lab(project, home=Path(home)) as address:
            page = browser.new_page(viewport=SIZE)
            page.goto(f"{address}/lab/tree/notebooks/{notebook.name}?token={TOKEN}")
            run_all(page)
            page.keyboard.press("Control+b")  # the list of files goes
            drag_the_capacity(page)
            page.locator(".tierkit-explorer-live").evaluate("one => one.scrollIntoView()")
            page.wait_for_timeout(1_500)
            page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
