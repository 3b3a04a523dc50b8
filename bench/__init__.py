"""Benchmarks as programs, run by hand; no product code imports them."""
