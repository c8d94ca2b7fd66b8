"""The page for leadership: one function a section, each from the facts of a run and nothing else.

Every function takes the content of `facts.json` and returns a `Fragment` of HTML. A number that is
not known is replaced by why it is not; a group smaller than `min_group` is not shown.
"""

from tierkit.reporting.fragment import Fragment
from tierkit.reporting.leadership.certainty import how_sure
from tierkit.reporting.leadership.changes import what_changed
from tierkit.reporting.leadership.decisions import decide_now
from tierkit.reporting.leadership.earned import did_tiers_earn
from tierkit.reporting.leadership.heading import footer, recommendation, title_block
from tierkit.reporting.leadership.questions import three_questions

__all__ = [
    "Fragment",
    "decide_now",
    "did_tiers_earn",
    "footer",
    "how_sure",
    "recommendation",
    "three_questions",
    "title_block",
    "what_changed",
]
