"""The colours of every page: text and marks stand out on what they lie on, by day and by night."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tierkit.rendering import notebooks

SHEET = (Path(notebooks.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
SCHEMES = {
    name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for name, block in zip(
        ("light", "dark"), re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL), strict=True
    )
}
TEXT, MARKS = ("ink", "muted", "warn", "accent"), ("grey", *(f"tone-{n}" for n in range(1, 6)))


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2: 1 for the same colour, 21 for black on white."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_the_one_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_has_a_contrast_of_at_least_4_5_and_marks_of_3(scheme):
    colours = SCHEMES[scheme]
    for name in TEXT:
        assert min(contrast(colours[name], colours[on]) for on in ("paper", "panel")) >= 4.5, name
    for name in MARKS:
        assert contrast(colours[name], colours["paper"]) >= 3, name
