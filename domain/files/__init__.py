"""Reads and writes sellers' file formats, one profile per format."""
