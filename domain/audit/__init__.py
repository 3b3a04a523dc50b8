"""The findings of a whole file, counted and grouped."""
