"""Lessons: autograd's ideas and traps, each a Markdown file that is read, run and checked."""
