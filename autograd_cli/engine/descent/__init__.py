"""Going down: the loop, the optimizers, and what is said of how it went."""
