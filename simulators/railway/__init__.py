"""A server that behaves like the part of Railway's API that a scaler uses, faults included."""
