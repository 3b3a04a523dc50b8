"""The seller's voice, read within a transaction that is under way."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from domain.voice import Voice
from models import store as stores
from models import voice as voices


def load_voice(session: Session, seller_id: uuid.UUID, channel: str = "") -> Voice:
    """The seller's voice; on a channel, with the wishes of their store there instead of its own."""
    row = voices.find_voice(session, seller_id)
    voice = Voice() if row is None else Voice.from_json({**row.body, "version": row.version})
    return voice.with_wishes(load_wishes(session, seller_id, channel)) if channel else voice


def load_wishes(session: Session, seller_id: uuid.UUID, channel: str) -> dict[str, Any]:
    """What is wished for in the seller's store on a channel alone."""
    row = stores.find_store(session, seller_id, channel)
    return {} if row is None else dict(row.wishes)
