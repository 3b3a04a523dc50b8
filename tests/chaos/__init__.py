"""Tests of kind: chaos."""
