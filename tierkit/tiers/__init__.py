"""Predicted revenue to tiers: who can be tiered, who gets what, what moved, what it costs."""
