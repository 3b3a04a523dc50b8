"""Tests of kind: e2e."""
