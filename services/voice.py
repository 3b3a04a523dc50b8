"""The seller's voice: read, replaced, and frozen into what is ordered."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from domain.voice import WISHES, Voice
from models import voice as voices
from services.deps import Deps


def get_voice(deps: Deps, seller_id: uuid.UUID) -> Voice:
    """The seller's voice, an empty one before they said anything."""
    with deps.database.transaction(seller=seller_id) as session:
        return load_voice(session, seller_id)


def put_voice(deps: Deps, seller_id: uuid.UUID, wishes: Mapping[str, Any]) -> Voice:
    """Replace the seller's voice: what is not among the wishes is forgotten.

    Holds for what is ordered from now on. Raises InvalidFieldError.
    """
    said = Voice().with_wishes(wishes).to_json()
    with deps.database.transaction(seller=seller_id) as session:
        voices.put_voice(session, seller_id, {name: said[name] for name in WISHES})
        return load_voice(session, seller_id)


def load_voice(session: Session, seller_id: uuid.UUID) -> Voice:
    """The seller's voice within a transaction that is under way."""
    row = voices.find_voice(session, seller_id)
    if row is None:
        return Voice()
    return Voice.from_json({**row.body, "version": row.version})
