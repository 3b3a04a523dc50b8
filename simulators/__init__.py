"""Servers that behave like Groq and Railway, faults included; no product code imports them."""
