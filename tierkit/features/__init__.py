"""Trusted tables → one row per account and as_of, from what was known strictly before it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
