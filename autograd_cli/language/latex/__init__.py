r"""Formulas in LaTeX, read as TeX sets them.

A tokenizer that makes TeX's tokens, a parser with a caret for everything it refuses, and names for
whatever can be a variable. What comes out is text in the language of agx. No SymPy, no torch.
"""

from __future__ import annotations

from autograd_cli.language.latex.parser import Translation, translate

__all__ = ["Translation", "translate"]
