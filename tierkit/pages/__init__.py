"""The pages of a report, topic by topic: analyst tables, leadership sections, sheets.

Leadership sections take the content of `facts.json` alone. A number that is not known is replaced
by why it is not; a group smaller than `min_group` is not shown.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
