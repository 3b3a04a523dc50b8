"""Each channel's rules as dated data files, and one checker for all."""
