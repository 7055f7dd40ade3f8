"""Lessons as text: on a terminal, as a script, as a notebook and as a page."""
