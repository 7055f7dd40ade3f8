"""Functions along a line or over a plane, as pictures need them."""
