"""What a provider and a seller allow: buckets that refill, the line before them, and purses."""
