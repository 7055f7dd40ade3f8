"""The language of expressions: read, checked, and turned into derivatives as formulas."""
