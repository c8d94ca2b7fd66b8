"""The tabs of the explorer as plain HTML: what the controls stand beside, and the static twin."""
