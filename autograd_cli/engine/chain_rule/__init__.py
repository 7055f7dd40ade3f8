"""The chain rule step by step: the trace of an expression, its adjoints, its tangents."""
