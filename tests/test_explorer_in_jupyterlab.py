"""The explorer as a person uses it: JupyterLab in a browser, from the first run to a reload."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.small_company import write_small_company
from tierkit.rendering.html import in_notebook

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = "/usr/bin/chromium"
NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "explore_criteria.ipynb"
TOKEN = "for-this-test-only"
PATIENCE = 90_000  # milliseconds that a busy machine may take for any one step
# what ipywidgets itself writes when a notebook is opened whose kernel is gone
WIDGET_IS_GONE = "widget model not found"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is absent; `.ci/run` installs it"
    ),
]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def artefacts():
    """Return where screenshots are kept: TIERKIT_ARTEFACTS, or a folder beside the tests' own."""
    folder = Path(os.environ.get("TIERKIT_ARTEFACTS", "build/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = write_small_company(tmp_path_factory.mktemp("lab") / "company")
    shutil.copyfile(NOTEBOOK, folder / NOTEBOOK.name)
    return folder


@pytest.fixture(scope="module")
def lab(project, tmp_path_factory):
    with running_lab(project, home=tmp_path_factory.mktemp("home")) as address:
        yield address


@contextmanager
def running_lab(root, *, home):
    """Run JupyterLab on a free port, with settings of its own, and yield its address."""
    port = free_port()
    folders = {name: str(home / name.lower()) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
        "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")}  # fmt: skip
    without_news(Path(folders["JUPYTERLAB_SETTINGS_DIR"]))
    without_debugger(Path(folders["JUPYTER_CONFIG_DIR"]))
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}",
         "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--allow-root",
         f"--ServerApp.root_dir={root}"],
        env={**os.environ, **folders},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{address}/api?token={TOKEN}"), seconds=120)
        yield address
        shut_down_kernels(address)
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def without_news(settings):
    folder = settings / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True)
    chosen = {"fetchNews": "false", "checkForUpdates": False}
    (folder / "notification.jupyterlab-settings").write_text(json.dumps(chosen))


def without_debugger(config):
    """Take JupyterLab's debugger away: it complains where a kernel starts while it asks it."""
    folder = config / "labconfig"
    folder.mkdir(parents=True)
    disabled = {"disabledExtensions": {"@jupyterlab/debugger-extension": True}}
    (folder / "page_config.json").write_text(json.dumps(disabled))


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=1) as reply:
            return reply.status == 200
    except OSError:
        return False


def wait_until(true, *, seconds):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


def shut_down_kernels(address):
    with urllib.request.urlopen(f"{address}/api/sessions?token={TOKEN}") as reply:
        sessions = json.load(reply)
    for session in sessions:
        request = urllib.request.Request(
            f"{address}/api/sessions/{session['id']}?token={TOKEN}", method="DELETE"
        )
        urllib.request.urlopen(request).close()


def test_an_analyst_explores_in_the_browser_and_finds_the_picture_when_coming_back(project, lab):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE)
        said: list[str] = []
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{lab}/lab/tree/{NOTEBOOK.name}?token={TOKEN}")
        try:
            run_all(page)
            see_text_on_the_left_and_numbers_on_the_right(page)
            drag_the_capacity(page)
            open_accounts_from_rows(page)
            see_every_criterion_in_a_row_of_its_own(page)
            look_an_account_up_and_override_it(page, project)
            copy_as_settings(page, project)
            assert not said, said
            save(page, project)
            reload_without_the_kernel(page, lab)
        finally:
            page.screenshot(path=artefacts() / "last.png")
            browser.close()
        assert not [line for line in said if WIDGET_IS_GONE not in line], said


NOTHING_RUNS = (
    "![...document.querySelectorAll('.jp-InputPrompt')].some(one => one.innerText.includes('*'))"
)


def run_all(page):
    """Run all cells; a kernel that has only just started may forget those after the first."""
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=PATIENCE)
    page.get_by_text("| Idle").wait_for(timeout=PATIENCE)
    live = page.locator(".tierkit-explorer-live")
    for _ in range(5):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_timeout(1_500)
        if page.locator(".jp-Dialog").count():
            page.locator(".jp-Dialog .jp-mod-accept").click()
            page.wait_for_timeout(1_500)
        page.wait_for_function(NOTHING_RUNS, timeout=120_000)
        page.wait_for_timeout(1_500)
        if live.count():
            break
    live.wait_for()
    assert not page.locator(".jp-RenderedText[data-mime-type*='stderr']").count()
    page.screenshot(path=artefacts() / "1-opened.png")


SIDES = """html => {
    const output = document.createElement("div");
    output.className = "lm-Widget jp-RenderedHTMLCommon jp-RenderedHTML jp-OutputArea-output";
    output.innerHTML = html;
    document.querySelector(".jp-OutputArea").append(output);
    const sides = [...output.querySelectorAll("td")].map(one => getComputedStyle(one).textAlign);
    output.remove();
    return sides;
}"""


def see_text_on_the_left_and_numbers_on_the_right(page):
    """JupyterLab has rules of its own for cells of tables, which must not win."""
    cells = "<table><tr><td>prose</td><td class='n'>1</td></tr></table>"
    assert page.evaluate(SIDES, in_notebook(cells)) == ["left", "right"]


def drag_the_capacity(page):
    live = page.locator(".tierkit-explorer-live")
    live.get_by_role("tab", name="Tiers").click()
    handle = live.locator(".tierkit-capacity-Tier-1 .noUi-handle").first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(box["x"] + 6 * step, box["y"] + box["height"] / 2)
    page.mouse.up()
    page.wait_for_function(
        "document.querySelector('.tierkit-explorer-live').innerText.includes('Last change, Tier 1')"
    )
    handle.press("ArrowRight")  # the keyboard reaches it, too
    page.screenshot(path=artefacts() / "2-capacity.png")


def open_accounts_from_rows(page):
    """A name in a row opens its account, by mouse and by keyboard, and lies over its own row."""
    live = page.locator(".tierkit-explorer-live")
    live.get_by_label("List").first.select_option("Tier 2")
    rows = live.locator(".tierkit-listed tbody tr").locator("visible=true")
    openers = live.locator(".tierkit-openers button").locator("visible=true")
    rows.first.wait_for()
    for row, opener in zip(rows.all()[:5], openers.all()[:5], strict=True):
        assert abs(row.bounding_box()["y"] - opener.bounding_box()["y"]) < 3
        assert row.locator("th").inner_text() == opener.inner_text()
    for press in (lambda one: one.click(), lambda one: one.press("Enter")):
        name = openers.nth(1).inner_text()
        openers.nth(1).scroll_into_view_if_needed()
        page.screenshot(path=artefacts() / "2-rows.png")
        press(openers.nth(1))
        live.get_by_text(name, exact=False).locator("visible=true").first.wait_for()
        sync_api.expect(live.get_by_role("tab", name="Account")).to_have_attribute(
            "aria-selected", "true"
        )
        live.get_by_role("tab", name="Tiers").click()


def see_every_criterion_in_a_row_of_its_own(page):
    live = page.locator(".tierkit-explorer-live")
    live.get_by_role("tab", name="Criteria").click()
    boxes = live.locator("input[type=checkbox]")
    boxes.first.wait_for()
    tops = sorted(box["y"] for box in (one.bounding_box() for one in boxes.all()))
    assert len(tops) > 1
    assert all(after - top > 30 for top, after in pairwise(tops)), tops
    page.screenshot(path=artefacts() / "2-criteria.png")


def look_an_account_up_and_override_it(page, project):
    live = page.locator(".tierkit-explorer-live")
    live.get_by_role("tab", name="Account").click()
    live.get_by_label("Find an account").press_sequentially("A0001")
    accounts = live.get_by_role("listbox", name="Accounts")
    found = accounts.locator("option").first
    # what was typed last has been looked up
    sync_api.expect(found).to_contain_text("(A0001", timeout=PATIENCE)
    account = found.inner_text().rpartition("(")[2].rstrip(")")
    accounts.select_option(index=0)
    page.wait_for_function(f"document.body.innerText.includes('({account})')")
    live.get_by_label("Reason").fill("a new plan, signed last week")
    live.get_by_label("Set by").fill("Kim")
    live.get_by_label("Set by").press("Tab")
    live.get_by_role("button", name="Write override").click()
    live.get_by_text("Override to Tier 1 by Kim").wait_for()
    assert account in (project / "overrides.csv").read_text()
    page.screenshot(path=artefacts() / "3-account.png")


def copy_as_settings(page, project):
    before = (project / "tierkit.toml").read_text()
    live = page.locator(".tierkit-explorer-live")
    live.get_by_role("tab", name="Compare").click()
    live.get_by_label("Name").fill("more strategic accounts")
    live.get_by_label("Name").press("Tab")
    live.get_by_role("button", name="Save as scenario").click()
    live.get_by_role("button", name="Write to tierkit.toml").click()
    live.get_by_text("Change 1 line of tierkit.toml?").wait_for()
    assert (project / "tierkit.toml").read_text() == before  # it only asks
    page.screenshot(path=artefacts() / "4-asked.png")
    live.get_by_role("button", name="Write it").click()
    live.get_by_text("Written: 1 line of tierkit.toml changed").wait_for()
    after = (project / "tierkit.toml").read_text()
    changed = set(after.splitlines()) ^ set(before.splitlines())
    assert changed
    assert all(line.startswith("capacity = ") for line in changed)
    page.screenshot(path=artefacts() / "4-settings.png")


def save(page, project):
    """Save until the picture is in the notebook: it is renewed once changes pause."""
    for _ in range(30):
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1_000)
        written = (project / NOTEBOOK.name).read_text()
        if "Override to Tier 1 by Kim" in written and "tierkit.toml says what is" in written:
            return
    pytest.fail("the still picture has not been stored")


def reload_without_the_kernel(page, lab):
    shut_down_kernels(lab)
    page.reload()
    twin = page.locator(".tierkit-explorer-static")
    twin.wait_for(state="visible")
    assert "This is a still picture" in twin.inner_text()
    assert "Override to Tier 1 by Kim" in twin.inner_text()
    page.wait_for_timeout(500)
    for words in ("Loading widget", "Error displaying widget"):
        assert not page.get_by_text(words).is_visible(), words
    assert not page.locator("mjx-container").count()  # money is no mathematics
    page.screenshot(path=artefacts() / "5-reopened.png")
