"""torch's own graph of what was computed, walked and played backwards."""
