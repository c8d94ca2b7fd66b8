"""Accepted tiers into a field of the CRM: the difference, the writing, its journal, its undoing."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
