"""Which listings of an import break a rule where nothing may be changed, and why that is."""

from __future__ import annotations

import uuid
from typing import Final

from domain.findings import Level
from domain.marketplaces.checker import check_listing
from domain.touchable import find_untouched
from models import import_file as imports
from services.catalogue import build_listing
from services.deps import Deps
from services.import_options import ImportOptions
from services.imports import require_import
from services.measures import get_rules
from services.mutes import list_muted
from services.submit import build_brief

PAGE: Final = 500
LOOKED_AT: Final = 5_000
"""So many products are looked at: it is for examples, and the whole count is kept elsewhere."""


def list_left_alone(
    deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID, *, limit: int = 20
) -> list[dict[str, str]]:
    """The first hard breaches that no proposal of an import mends, with the reason for each.

    Looks at the first 5,000 products; raises NotFoundError.
    """
    found: list[dict[str, str]] = []
    after = -1
    while after + 1 < LOOKED_AT and len(found) < limit:
        with deps.database.transaction(seller=seller_id) as session:
            row = require_import(session, seller_id, import_id)
            options = ImportOptions.from_json(row.options)
            muted = list_muted(session, seller_id, row.channel, more=options.mutes)
            items = imports.list_items(session, import_id, after=after, limit=PAGE)
            if not items:
                break
            loaded = imports.load_item_listings(session, items)
        for item in items:
            _, product, revision = loaded[item.ordinal]
            listing = build_listing(product, revision)
            rules = get_rules(row.channel, listing, muted)
            brief = build_brief(listing, channel=row.channel, wish=options.wish, rules=rules)
            found += [
                {
                    "listing": item.source_key,
                    "field": one.field,
                    "rule": one.rule,
                    "reason": reason.value,
                }
                for one in check_listing(listing, rules)
                if one.level is Level.HARD and (reason := find_untouched(one.field, brief))
            ]
        after = items[-1].ordinal
    return found[:limit]
