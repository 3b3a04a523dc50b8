"""Pure functions and values: listings, rules, checks, scoring, files. No I/O."""
