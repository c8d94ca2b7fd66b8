"""Fiscal quarters and windows of time; the only room that compares dates.

Windows are `[start, end)`. `as_of` is the first day that is not yet known: features see rows
strictly before it, outcomes are what happens from it on.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
