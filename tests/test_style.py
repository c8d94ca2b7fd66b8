"""The colours of every page: text and marks stand out on what they lie on, by day and by night."""

from __future__ import annotations

import pytest

from docsite.contrast import LEAST_OF_MARKS, LEAST_OF_TEXT, MARKS, TEXT, lowest_contrasts, schemes


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_a_contrast_of_at_least_4_5_and_marks_of_3(scheme):
    lowest = lowest_contrasts(schemes()[scheme])
    assert not [name for name in TEXT if lowest[name] < LEAST_OF_TEXT]
    assert not [name for name in MARKS if lowest[name] < LEAST_OF_MARKS]
