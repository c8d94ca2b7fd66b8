"""Raw exports of a CRM become trusted tables."""
