"""Gradients, Jacobians and Hessians, and what they say of a point."""
