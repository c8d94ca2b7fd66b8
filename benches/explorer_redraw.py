"""How long a change takes in the browser, from the key or click to what is painted.

    python -m benches.explorer_redraw                # 10,000 accounts
    python -m benches.explorer_redraw 100000 --runs 40

JupyterLab is started on a free port, a notebook shows the explorer of `benches.explorer`, and a
browser presses keys on its controls. The clock is the browser's own: from the event, over the
pause that is waited for, the kernel and the way back, to the frame after the view has changed.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat

from tests.test_explorer_in_jupyterlab import CHROMIUM, TOKEN, artefacts, run_all, running_lab

CELL = """
from pathlib import Path
from benches.explorer import READ, read, repeated
from tierkit.explorer import Explorer

explorer = Explorer(repeated(read(Path("company")), times={accounts} // READ))
explorer
"""
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
WATCH = """
window.took = [];
const view = () => [...document.querySelectorAll('.tierkit-page')].find(
    one => one.offsetParent !== null);
let begun = null;
const begin = () => { begun = begun ?? performance.now(); };
document.addEventListener('keydown', event => {
    if (!['Shift', 'Control', 'Meta', 'Tab'].includes(event.key)) begin(); }, true);
document.addEventListener('change', begin, true);
document.addEventListener('pointerdown', event => {
    if (event.target.closest('[role=tab]')) begin(); }, true);
new MutationObserver(changes => {
    if (begun === null || !changes.some(one => view()?.contains(one.target))) return;
    const since = begun;
    begun = null;
    requestAnimationFrame(() => setTimeout(() => window.took.push(performance.now() - since)));
}).observe(document.body, {childList: true, subtree: true, characterData: true});
"""


def main(accounts: int, runs: int) -> None:
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as folder:
        (Path(folder) / "company").mkdir()
        cell = nbformat.v4.new_code_cell(CELL.format(accounts=accounts))
        notebook = nbformat.v4.new_notebook(cells=[cell], metadata=KERNEL)
        nbformat.write(notebook, Path(folder) / "redraw.ipynb")
        lab = running_lab(Path(folder), home=Path(folder) / "home")
        with lab as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1500, "height": 1100})
            page.goto(f"{address}/lab/tree/redraw.ipynb?token={TOKEN}")
            run_all(page)
            page.evaluate(WATCH)
            print(f"{'accounts':>9}  {'tab':<9} {'change':<22} {'median ms':>9} {'slowest':>8}")
            for tab, name, control in controls(page):
                show(accounts, tab, name, measured(page, tab, control, runs))
            for tab in ("Criteria", "Account", "Compare"):
                show(accounts, tab, "open after a change", opened(page, tab, runs // 2))
            page.screenshot(path=artefacts() / f"redraw-{accounts}.png")
            browser.close()


def controls(page: Any) -> list[tuple[str, str, Any]]:
    """Return the controls that a key changes, each with its tab."""
    live = page.locator(".tierkit-explorer-live")
    first = live.locator(".tierkit-capacity-Tier-1 .noUi-handle").first
    band = live.locator(".widget-hslider", has_text="keep band").locator(".noUi-handle").first
    weight = live.locator(".widget-hslider", has_text="weight").locator(".noUi-handle").first
    return [
        ("Tiers", "capacity of Tier 1", first),
        ("Tiers", "keep band", band),
        ("Criteria", "weight of a criterion", weight),
    ]


def measured(page: Any, tab: str, control: Any, runs: int) -> list[float]:
    """Return the milliseconds of so many key strokes on a control, the first one left out."""
    page.locator(".tierkit-explorer-live").get_by_role("tab", name=tab).click()
    control.scroll_into_view_if_needed()
    page.wait_for_timeout(3_000)
    page.evaluate("window.took.length = 0")
    for step in range(runs + 1):
        control.press("ArrowRight" if step % 10 < 5 else "ArrowLeft")
        page.wait_for_function(f"window.took.length > {step}", timeout=30_000)
        page.wait_for_timeout(1_600)  # the picture in the notebook is renewed meanwhile
    return [float(value) for value in page.evaluate("window.took")][1:]


def opened(page: Any, tab: str, runs: int) -> list[float]:
    """Return the milliseconds from a click on a tab to its view, each time after a change."""
    tabs = page.locator(".tierkit-explorer-live")
    capacity = controls(page)[0][2]
    found = []
    for step in range(runs + 1):
        tabs.get_by_role("tab", name="Tiers").click()
        capacity.press("ArrowRight" if step % 10 < 5 else "ArrowLeft")
        page.wait_for_timeout(2_500)
        page.evaluate("window.took.length = 0")
        tabs.get_by_role("tab", name=tab).click()
        page.wait_for_function("window.took.length > 0", timeout=30_000)
        found.append(float(page.evaluate("window.took[0]")))
        page.wait_for_timeout(1_600)
    return found[1:]


def show(accounts: int, tab: str, name: str, took: list[float]) -> None:
    print(
        f"{accounts:>9,}  {tab:<9} {name:<22} {statistics.median(took):>9.0f} {max(took):>8.0f}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("accounts", type=int, nargs="?", default=10_000)
    parser.add_argument("--runs", type=int, default=20)
    asked = parser.parse_args()
    main(asked.accounts, asked.runs)
