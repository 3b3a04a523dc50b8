"""What a text claims, and whether its source row says so."""

from domain.facts.loss import (
    LostFact,
    find_lost,
    find_lost_among,
    list_demanded,
    list_required,
)
from domain.facts.support import (
    Evidence,
    UnsupportedFact,
    find_evidence,
    find_unsupported,
    read_text,
)

__all__ = [
    "Evidence",
    "LostFact",
    "UnsupportedFact",
    "find_evidence",
    "find_lost",
    "find_lost_among",
    "find_unsupported",
    "list_demanded",
    "list_required",
    "read_text",
]
