"""Tests of kind: integration."""
