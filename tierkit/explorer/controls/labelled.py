"""Controls as the panel uses them: each with a visible label and room for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

Widget = Any
_LABEL = {"description_width": "10em"}
_WIDE = {"width": "99%"}


def slider(label: str, value: int, *, most: int, tooltip: str = "") -> Widget:
    """Return a slider of whole numbers from 0."""
    return widgets.IntSlider(
        value=value, min=0, max=max(most, value), description=label, tooltip=tooltip or label,
        style=_LABEL, layout=_WIDE, continuous_update=True,
    )  # fmt: skip


def number_slider(label: str, value: float, *, least: float, most: float, step: float) -> Widget:
    """Return a slider of numbers."""
    return widgets.FloatSlider(
        value=min(max(value, least), most), min=least, max=most, step=step, description=label,
        tooltip=label, style=_LABEL, layout=_WIDE, continuous_update=True, readout_format=".2f",
    )  # fmt: skip


def number(label: str, value: float, *, least: float = 0.0, most: float = 1e15) -> Widget:
    """Return a field for a number."""
    return widgets.BoundedFloatText(
        value=value, min=least, max=most, description=label, tooltip=label, style=_LABEL,
        layout=_WIDE,
    )  # fmt: skip


def text(label: str, *, value: str = "", hint: str = "", as_typed: bool = False) -> Widget:
    """Return a field for text; `as_typed` tells of every letter."""
    return widgets.Text(
        value=value, description=label, placeholder=hint, tooltip=label, style=_LABEL,
        layout=_WIDE, continuous_update=as_typed,
    )  # fmt: skip


def lines(label: str, *, value: str = "", hint: str = "", rows: int = 3) -> Widget:
    """Return a field for several lines of text."""
    return widgets.Textarea(
        value=value, description=label, placeholder=hint, tooltip=label, rows=rows, style=_LABEL,
        layout=_WIDE, continuous_update=False,
    )  # fmt: skip


def choice(label: str, options: Sequence[Any], *, value: object = None) -> Widget:
    """Return a list to choose one from."""
    return widgets.Dropdown(
        options=list(options), value=value, description=label, tooltip=label, style=_LABEL,
        layout=_WIDE,
    )  # fmt: skip


def button(
    label: str, act: Callable[[], None], *, tooltip: str = "", strong: bool = False
) -> Widget:
    """Return a button."""
    made = widgets.Button(
        description=label, tooltip=tooltip or label, button_style="primary" if strong else "",
        layout={"width": "auto"},
    )  # fmt: skip
    made.on_click(lambda _: act())
    return made


def page(label: str) -> Widget:
    """Return the place of a view: its height is kept, so that nothing jumps."""
    made = widgets.HTML(
        value="", tooltip=label, layout={"width": "100%", "min_height": "28em", "overflow": "auto"}
    )
    made.add_class("tierkit-page")
    return made


def column(*children: Widget, width: str = "auto") -> Widget:
    """Return controls one below the other, none of them squeezed where they are many."""
    return widgets.VBox([unsqueezed(child) for child in children], layout={"width": width})


def unsqueezed(control: Widget) -> Widget:
    """Return the control with its own height kept, however many stand in its column."""
    control.layout.flex = "0 0 auto"
    return control


def row(*children: Widget) -> Widget:
    """Return controls beside each other, as many as there is room for."""
    return widgets.HBox([*children], layout={"flex_flow": "row wrap"})


def beside(controls: Widget, view: Widget) -> Widget:
    """Return controls at the left of the view that they change, above it where it is narrow."""
    controls.layout.width = "26em"
    controls.layout.padding = "0 12px 0 0"
    controls.layout.max_height = "44em"
    controls.layout.overflow = "hidden auto"
    view.layout.flex = "1 1 30em"
    return widgets.HBox([controls, view], layout={"flex_flow": "row wrap"})


def take_away(*made: Widget) -> None:
    """Close controls with all that is inside them, their layouts and their styles.

    Closing a control leaves its layout and its style in the kernel, as another one might use them.
    """
    for one in made:
        take_away(*getattr(one, "children", ()))
        for part in ("layout", "style"):
            if one.has_trait(part):
                getattr(one, part).close()
        one.close()
