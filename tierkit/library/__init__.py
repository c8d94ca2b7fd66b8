"""The library: criteria, cards, backtests and tiers on data frames or a project, with defaults."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
