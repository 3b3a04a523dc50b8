"""Use cases: each opens the one transaction and returns domain values."""
