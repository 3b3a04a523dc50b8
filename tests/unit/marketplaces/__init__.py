"""Rules, checker and their documentation."""
