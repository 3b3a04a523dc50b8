"""Listings: what the seller has, with findings, revisions and the newest suggestion."""

from __future__ import annotations

import uuid
from typing import Any

from services.catalogue import get_listing, list_listings
from web.api.cursors import format_cursor, parse_cursor
from web.api.review_schemas import ListingOut, ListingQuery, ListingsOut
from web.api.routes import PROBLEM_STATUSES, build_blueprint
from web.auth import Access, access
from web.context import get_deps, get_seller

blueprint = build_blueprint("listings", tag="Listings")


@blueprint.get("/listings")
@access(Access.KEY)
@blueprint.input(ListingQuery, location="query")
@blueprint.output(ListingsOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_listings(query_data: ListingQuery) -> dict[str, Any]:
    """List listings, newest first."""
    page = list_listings(
        get_deps(),
        get_seller().id,
        limit=query_data.limit,
        after=parse_cursor(query_data.cursor),
        channel=query_data.channel or "",
        state=query_data.state or "",
    )
    return {"items": page.items, "next": format_cursor(page.next_after)}


@blueprint.get("/listings/<uuid:listing_id>")
@access(Access.KEY)
@blueprint.output(ListingOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_listing(listing_id: uuid.UUID) -> dict[str, Any]:
    """Show one listing whole."""
    return get_listing(get_deps(), get_seller().id, listing_id)
