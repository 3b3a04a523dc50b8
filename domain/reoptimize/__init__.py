"""Which listings are worth another proposal, when, and how many of whose."""
