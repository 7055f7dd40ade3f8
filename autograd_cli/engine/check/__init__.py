"""Whether autograd is right here: evidence, and what is concluded from it."""
