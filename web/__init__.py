"""Speaks HTTP: the JSON API and the dashboard."""
