"""Faults by signals on real processes."""
