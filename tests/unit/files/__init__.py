"""Unit tests of domain.files."""
