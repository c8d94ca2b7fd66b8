"""How engaged accounts are, and when one is marketing qualified; blind to what came of it."""
