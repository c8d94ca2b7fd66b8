"""Dossiers: one self-contained page per account of the first tier, key points for the second."""
