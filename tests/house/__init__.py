"""Tests of kind: house."""
