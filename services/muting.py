"""Rules that a seller overrides in a store: shown, changed, and put to effect."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.clock import today
from core.errors import NotFoundError
from core.ids import new_id
from domain.marketplaces.mutes import Mute, build_mutes, read_mutes
from models import listing as listings
from models import store as stores
from services.deps import Deps
from services.mutes import load_mutes
from services.push import push_quietly
from services.remeasure import submit_remeasure

Change = Callable[[Sequence[Mute]], list[tuple[str, str]]]
"""From the mutes there are to those wanted, as (rule id, reason)."""


def get_mutes(deps: Deps, seller_id: uuid.UUID, channel: str) -> tuple[Mute, ...]:
    """What is muted in the seller's store on a channel."""
    with deps.database.transaction(seller=seller_id) as session:
        return load_mutes(session, seller_id, channel)


def get_reasons(deps: Deps, seller_id: uuid.UUID) -> dict[str, str]:
    """The reasons of everything that is muted, by rule, over all stores."""
    with deps.database.transaction(seller=seller_id) as session:
        return {
            one.rule: one.reason
            for row in stores.list_stores(session, seller_id)
            for one in read_mutes(row.mutes)
        }


def put_mutes(
    deps: Deps, seller_id: uuid.UUID, channel: str, wanted: Sequence[Mapping[str, Any]]
) -> tuple[Mute, ...]:
    """Replace what is muted on a channel; every listing of the store is measured anew.

    ``wanted`` have ``rule`` and ``reason``. Raises InvalidFieldError; then nothing has changed.
    """
    return _change(deps, seller_id, channel, lambda _: [(o["rule"], o["reason"]) for o in wanted])


def add_mute(
    deps: Deps, seller_id: uuid.UUID, channel: str, *, rule: str, reason: str
) -> tuple[Mute, ...]:
    """Mute one rule more, or give another reason for it; raises InvalidFieldError."""

    def add(there: Sequence[Mute]) -> list[tuple[str, str]]:
        # First, so that a fault is named as the one rule's that was sent.
        return [(rule, reason), *((one.rule, one.reason) for one in there if one.rule != rule)]

    return _change(deps, seller_id, channel, add)


def remove_mute(deps: Deps, seller_id: uuid.UUID, channel: str, *, rule: str) -> tuple[Mute, ...]:
    """Let a rule hold again; raises NotFoundError where it was not muted."""

    def remove(there: Sequence[Mute]) -> list[tuple[str, str]]:
        if rule not in {one.rule for one in there}:
            raise NotFoundError("this rule is not muted.", field="rule")
        return [(one.rule, one.reason) for one in there if one.rule != rule]

    return _change(deps, seller_id, channel, remove)


def _change(deps: Deps, seller_id: uuid.UUID, channel: str, change: Change) -> tuple[Mute, ...]:
    with deps.database.transaction(seller=seller_id) as session:
        store_id = listings.insert_store(
            session, seller_id=seller_id, new_id=new_id(), channel=channel
        )
        row = stores.lock_store(session, seller_id, store_id)
        earlier = read_mutes(row.mutes)
        mutes = build_mutes(change(earlier), channel=channel, earlier=earlier, day=today())
        if mutes == earlier:
            return mutes
        stores.set_mutes(row, [one.to_json() for one in mutes])
        session.flush()
        dispatch = submit_remeasure(deps, session, seller_id, store_id)
    push_quietly(deps, dispatch)
    return mutes
