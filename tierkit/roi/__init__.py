"""Tiers and outcomes: what the tiers earned, and how sure one can be."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
