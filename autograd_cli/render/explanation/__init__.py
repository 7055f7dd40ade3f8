"""An explanation as text: its traces as tables, the chain rule, the result."""
