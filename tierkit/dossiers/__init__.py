"""Dossiers: one self-contained page per account of the first tier, key points for the second."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
