"""The seller's voice as they see and change it: for all their texts, and for those of one store."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.ids import new_id
from domain.ports import Dispatch
from domain.voice import WISHES, Voice, check_wishes
from models import listing as listings
from models import store as stores
from models import voice as voices
from services.deps import Deps
from services.push import push_quietly
from services.remeasure import submit_remeasure
from services.voice import load_voice, load_wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreVoice:
    """What is wished for in a store alone, and the whole voice that comes of it."""

    wishes: Mapping[str, Any]
    voice: Voice


def get_voice(deps: Deps, seller_id: uuid.UUID) -> Voice:
    """The seller's voice, an empty one before they said anything."""
    with deps.database.transaction(seller=seller_id) as session:
        return load_voice(session, seller_id)


def put_voice(deps: Deps, seller_id: uuid.UUID, wishes: Mapping[str, Any]) -> Voice:
    """Replace the seller's voice: what is not among the wishes is forgotten.

    Holds for what is ordered from now on; where the search terms change, listings are measured
    anew. Raises InvalidFieldError.
    """
    said = Voice().with_wishes(wishes).to_json()
    dispatches: list[Dispatch] = []
    with deps.database.transaction(seller=seller_id) as session:
        before = load_voice(session, seller_id)
        voices.put_voice(session, seller_id, {name: said[name] for name in WISHES})
        voice = load_voice(session, seller_id)
        if voice.keywords != before.keywords:
            dispatches += [
                submit_remeasure(deps, session, seller_id, row.id)
                for row in stores.list_stores(session, seller_id)
                if "keywords" not in row.wishes
            ]
    for dispatch in dispatches:
        push_quietly(deps, dispatch)
    return voice


def get_store_voice(deps: Deps, seller_id: uuid.UUID, channel: str) -> StoreVoice:
    """What is wished for in the seller's store on a channel."""
    with deps.database.transaction(seller=seller_id) as session:
        return StoreVoice(
            wishes=load_wishes(session, seller_id, channel),
            voice=load_voice(session, seller_id, channel),
        )


def put_store_voice(
    deps: Deps, seller_id: uuid.UUID, channel: str, wishes: Mapping[str, Any]
) -> StoreVoice:
    """Replace what is wished for in a store alone; what is not named is as the voice says.

    An empty list is a wish too: none here. Raises InvalidFieldError.
    """
    said = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in check_wishes(wishes).items()
    }
    dispatch = None
    with deps.database.transaction(seller=seller_id) as session:
        store_id = listings.insert_store(
            session, seller_id=seller_id, new_id=new_id(), channel=channel
        )
        row = stores.lock_store(session, seller_id, store_id)
        before = load_voice(session, seller_id, channel)
        stores.set_wishes(row, said)
        session.flush()
        voice = load_voice(session, seller_id, channel)
        if voice.keywords != before.keywords:
            dispatch = submit_remeasure(deps, session, seller_id, store_id)
    if dispatch is not None:
        push_quietly(deps, dispatch)
    return StoreVoice(wishes=said, voice=voice)
