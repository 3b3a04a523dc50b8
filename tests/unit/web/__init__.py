"""Unit tests of the web."""
