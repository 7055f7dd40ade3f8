"""One expression, one call of torch after the other: values, batches, vector-Jacobian products."""
