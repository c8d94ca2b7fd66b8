"""The compare tab: saved scenarios side by side, the accounts that differ, what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from tierkit.explorer.pages.account import account_page
from tierkit.explorer.pages.accounts import all_lists
from tierkit.explorer.pages.criteria import criteria_page
from tierkit.explorer.pages.customers import at_risk_table, values_table
from tierkit.explorer.pages.parts import note, share_with_interval, table, warning
from tierkit.explorer.pages.tiers import tiers_page
from tierkit.rendering import Fragment, joined, tag
from tierkit.table import NO_MATHEMATICS
from tierkit.words import count, money, plural, quarter_name

if TYPE_CHECKING:
    from tierkit.explorer.session import Session


def compare_page(session: Session) -> Markup:
    """Return the compare tab, the accounts that differ aside."""
    parts = [scenario_table(session), values_table(session), at_risk_table(session)]
    return joined(*parts, settings_lines(session))


def scenario_table(session: Session) -> Markup:
    """Return one column a scenario: sizes, predicted revenue, capture."""
    if not session.scenarios:
        return note("No scenario is saved. Give what is on screen a name, change it, and compare.")
    found = session.snapshots()
    currency = session.basis.currency
    screen = found["on screen"]
    rows: list[list[object]] = []
    for tier in screen.names:
        rows.append([f"{tier}: accounts", *(count(one.sizes.get(tier, 0)) for one in
                                            found.values())])  # fmt: skip
        amounts = (money(currency, one.revenue.get(tier, 0.0)) for one in found.values())
        rows.append([f"{tier}: predicted revenue", *amounts])
    for name in screen.captures:
        captures = (one.captures.get(name) for one in found.values())
        spoken = ("–" if one is None else share_with_interval(one) for one in captures)
        rows.append([f"Capture at {name}", *spoken])
    differ = (int((one.levels != screen.levels).sum()) for one in found.values())
    rows.append(["Accounts in another tier than on screen", *map(count, differ)])
    caption = f"{plural(len(found) - 1, 'saved scenario')} beside what is on screen"
    return table(["", *found], rows, caption=caption)


def settings_lines(session: Session) -> Markup:
    """Return which lines of `tierkit.toml` change, or have been changed."""
    lines = session.settings_difference()
    if not lines:
        words = "tierkit.toml says what is on screen."
        return joined(note(words), _lines(session.written)) if session.written else note(words)
    return joined(note("Writing to tierkit.toml changes these lines:"), _lines(lines))


def _lines(text: str) -> Markup:
    return tag("pre", text, style="margin:4px 0;max-height:20em;overflow:auto")


LIVE_CLASS, TWIN_CLASS = "tierkit-explorer-live", "tierkit-explorer-static"
_MIME = "application/vnd.jupyter.widget-view+json"
_AREA = ".jp-OutputArea"
_WIDGET = f':is(.jp-OutputArea-output.lm-Panel, [data-mime-type="{_MIME}"])'
INSTEAD = "The explorer's panel. Run the cell again to interact; a still picture stands below."
"""The sentence in place of the panel where nothing can show it."""
_ALIVE = f":has(.{LIVE_CLASS}):not(:has(.jupyter-widgets-disconnected))"
TWIN_STYLE = (
    f"<style>@media screen{{{_AREA}{_ALIVE} .{TWIN_CLASS}{{display:none}}}}"
    f"@media print{{{_AREA}:has(.{TWIN_CLASS}) .{LIVE_CLASS}{{display:none}}}}"
    f"{_AREA}:has(.{TWIN_CLASS}):not({_ALIVE}) {_WIDGET}{{display:none}}</style>"
)
"""The twin is hidden while the panel is alive, and shown once it is reopened or printed.

Where a notebook is reopened, JupyterLab writes in the panel's place that it is loading, then that
it is not found; where papermill has kept the state of the controls, or their kernel has gone, it
shows controls that do nothing. That place is hidden.
"""


def status(session: Session, *, working: str = "") -> Markup:
    """Return what is explored, what is missing, what is wrong, what is going on."""
    run = session.basis.run
    line = (
        f"{run.title}, {quarter_name(run.quarter.label)} ({run.quarter.dates}): "
        f"{len(session.basis.ids):,} accounts"
    )
    return joined(
        note(f"{line}; {working}" if working else line),
        *(warning(error) for error in session.errors),
        _gaps(session),
    )


def static_twin(session: Session) -> Fragment:
    """Return all tabs as they are, for notebooks that are reopened, printed or read elsewhere."""
    parts = [
        tag("h3", "Account tiering: what was on screen"),
        note("This is a still picture. Run the cell again to interact."),
        status(session),
        *(joined(tag("h3", title), draw(session)) for title, draw in (
            ("Criteria", criteria_page), ("Tiers", tiers_page),
            ("Accounts of every tier", all_lists), ("Account", account_page),
            ("Compare", compare_page),
        )),
    ]  # fmt: skip
    body = tag("div", joined(*parts), class_=f"{TWIN_CLASS} {NO_MATHEMATICS}")
    return Fragment(str(Markup(TWIN_STYLE) + body))


def _gaps(session: Session) -> Markup:
    gaps = session.gaps
    if not gaps:
        return Markup("")
    items = joined(*(tag("li", str(gap)) for gap in gaps))
    one = len(gaps) == 1
    words = (
        "1 thing cannot be shown, and how to get it"
        if one
        else f"{len(gaps)} things cannot be shown, and how to get them"
    )
    return tag("details", joined(tag("summary", words), tag("ul", items)))
