"""Broker set-up, middleware, and actors of a few lines that call one service."""
