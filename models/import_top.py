"""Which products of an import are worth most: those a language model is to write first."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

NO_VALUE = -1
"""The worth of a product without a price: less than any other."""


@dataclass(frozen=True, slots=True)
class ValueCut:
    """The first product that is not among the top ones: its worth in hundredths, its place."""

    value_minor: int
    ordinal: int

    def is_below(self, value_minor: int | None, ordinal: int) -> bool:
        """Whether a product comes after the cut; of equal worth the later in the file does."""
        worth = NO_VALUE if value_minor is None else value_minor
        return (worth, -ordinal) <= (self.value_minor, -self.ordinal)


def find_value_cut(
    session: Session, import_id: uuid.UUID, *, top: int, broken_only: bool
) -> ValueCut | None:
    """Where the ``top`` products that are worth most end; None when there are no more of them.

    ``broken_only``: only products that break a hard rule are counted, the others need no writing.
    """
    found = session.execute(
        text(
            "SELECT coalesce(l.value_minor, :none) AS worth, i.ordinal FROM app.import_item i"
            " JOIN app.listing l ON l.seller_id = i.seller_id AND l.id = i.listing_id"
            " WHERE i.import_id = :import AND (NOT :broken_only OR l.hard > 0)"
            " ORDER BY worth DESC, i.ordinal OFFSET :top LIMIT 1"
        ),
        {"import": import_id, "none": NO_VALUE, "broken_only": broken_only, "top": top},
    ).first()
    return None if found is None else ValueCut(*found)
