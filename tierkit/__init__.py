"""tierkit: account tiering that can be explained, signed and checked."""
