"""A CRM with known truth: accounts, deals, touches and tiers of a simulated software company."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
