"""What a seller has muted, read within a transaction that is under way."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy.orm import Session

from domain.marketplaces.mutes import Mute, read_mutes
from models import store as stores


def load_mutes(session: Session, seller_id: uuid.UUID, channel: str) -> tuple[Mute, ...]:
    """What is muted in the seller's store on a channel."""
    row = stores.find_store(session, seller_id, channel)
    return () if row is None else read_mutes(row.mutes)


def list_muted(
    session: Session, seller_id: uuid.UUID, channel: str, *, more: Collection[str] = ()
) -> tuple[str, ...]:
    """Ids of the rules that do not hold: the store's, and those of one order."""
    return tuple(sorted({one.rule for one in load_mutes(session, seller_id, channel)}.union(more)))
