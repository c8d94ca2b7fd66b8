"""Tiers and outcomes: what the tiers earned, and how sure one can be."""
