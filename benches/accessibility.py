"""Whether pages are accessible, by axe-core in a browser: light and dark, wide and narrow.

    npm install axe-core                  # a tool of development, not part of tierkit
    python -m benches.accessibility node_modules/axe-core/axe.min.js reports/2026Q3/*.html

Every folded part is opened first. What is wrong is printed with the first places where it stands;
the command ends with 1 where anything is, a page that is wider than its screen included. Text in
drawings is left undecided by axe-core; `tests/test_style.py` holds its contrast.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

from tierkit.rendering.formats import find_browser

THEMES, WIDTHS = ("light", "dark"), (1280, 390)
_OPEN = "document.querySelectorAll('details').forEach(one => { one.open = true; })"
_BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_RUN = "axe.run(document, {resultTypes: ['violations']})"
_MOST_PLACES = 3


def main(axe: Path, pages: list[Path]) -> int:
    """Print what is wrong with each page; return how many pages have something wrong."""
    from playwright.sync_api import sync_playwright

    script, wrong = axe.read_text(encoding="utf-8"), 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(find_browser()), args=["--no-sandbox", "--disable-gpu"]
        )
        for page in pages:
            faults = [
                fault
                for theme, width in itertools.product(THEMES, WIDTHS)
                for fault in faults_of(browser, page, script, theme, width)
            ]
            print(f"{page}: {'clean' if not faults else f'{len(faults)} wrong'}")
            print(*(f"  {fault}" for fault in faults), sep="\n", end="\n" if faults else "")
            wrong += bool(faults)
        browser.close()
    return wrong


def faults_of(browser: Any, page: Path, script: str, theme: str, width: int) -> list[str]:
    """Return what axe-core finds, and whether the page is wider than its screen."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True
    )
    shown = context.new_page()
    shown.goto(page.resolve().as_uri())
    shown.evaluate(_OPEN)
    shown.evaluate(script)
    found = shown.evaluate(_RUN)["violations"]
    beyond = shown.evaluate(_BEYOND)
    context.close()
    where = f"{theme}, {width} px"
    faults = [f"{where}: {one['id']}: {one['help']}, {len(one['nodes'])} times, first "
              f"{'; '.join(node['html'][:80] for node in one['nodes'][:_MOST_PLACES])}"
              for one in found]  # fmt: skip
    return [*faults, f"{where}: {beyond} px wider than the screen"] if beyond > 0 else faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("axe", type=Path, help="axe.min.js")
    parser.add_argument("pages", type=Path, nargs="+")
    given = parser.parse_args()
    sys.exit(1 if main(given.axe, given.pages) else 0)
