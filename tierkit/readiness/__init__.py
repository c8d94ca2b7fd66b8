"""What is known of an account before people serve it: freshness, contacts, whitespace, owner."""
