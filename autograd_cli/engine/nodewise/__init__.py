"""One operation at a time, alone: the chain rule, where a nan is born, what has no gradient."""
