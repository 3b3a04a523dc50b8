"""The rules engine: the smallest edits that make a listing keep the rules."""

from domain.rewrite.engine import is_already_good, mend_proposal, propose

__all__ = ["is_already_good", "mend_proposal", "propose"]
