"""How a part of a score is counted."""

from __future__ import annotations


class Tally:
    """Points of one part: 1 until something lowers them, with the reason."""

    def __init__(self) -> None:
        self.points = 1.0
        self.reasons: list[str] = []

    def lower(self, factor: float, reason: str) -> None:
        """Multiply the points by ``factor`` (0 to 1) and say why."""
        self.points *= factor
        self.reasons.append(reason)
