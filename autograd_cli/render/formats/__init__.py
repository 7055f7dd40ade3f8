"""The writers of pages: one for every format that people read."""
