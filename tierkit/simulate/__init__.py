"""A CRM with known truth: accounts, deals, touches and tiers of a simulated software company."""

from __future__ import annotations

from tierkit.simulate.crm import SimulatedCrm, simulate_crm, write_crm

__all__ = ["SimulatedCrm", "simulate_crm", "write_crm"]
