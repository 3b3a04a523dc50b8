"""How good a listing is, part by part, each with its reasons."""

from domain.scoring.score import WEIGHTS, PartScore, Score, score_listing

__all__ = ["WEIGHTS", "PartScore", "Score", "score_listing"]
