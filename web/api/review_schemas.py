"""The shapes of the JSON API for listings, what is proposed for them, and decisions on it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import BaseModel, Field

from domain.listing import Channel
from web.api.schemas import FieldName, HopOut, Input, PageQuery, Text, Texts


class ListingQuery(PageQuery):
    """Which listings; ``cursor`` is the ``next`` of the page before."""

    cursor: str = Field(default="", max_length=100)
    channel: Channel | None = None
    state: Literal["suggested", "hard"] | None = None


class ListingRowOut(BaseModel):
    """A listing as lists show it."""

    id: uuid.UUID
    channel: str
    title: str
    state: str
    score: float | None
    hard: int | None
    advice: int | None
    suggestion_id: uuid.UUID | None
    updated_at: dt.datetime


class ListingsOut(BaseModel):
    """One page; ``next`` is the cursor of the following one, null on the last."""

    items: list[ListingRowOut]
    next: str | None


class FindingOut(BaseModel):
    """One breach of one rule."""

    rule: str
    field: str
    level: str
    message: str
    remedy: str
    source: str
    item: int | None = None
    excerpt: str = ""
    left_alone: str = Field(
        default="",
        description="Why no proposal mends it: no_text, locked, not_asked, other_shop; or empty.",
    )


class RefusalOut(BaseModel):
    """Why a proposed text was not offered."""

    check: str
    rule: str = ""
    message: str
    excerpt: str = ""


class SuggestedFieldOut(BaseModel):
    """One field: what stands there, what was proposed, what is offered, what was decided."""

    field: str
    engine: str
    before: str | list[str] | None
    proposed: str | list[str] | None
    after: str | list[str] | None
    refusals: list[RefusalOut]
    findings: list[FindingOut]
    action: str | None
    final: str | list[str] | None


class SuggestionOut(BaseModel):
    """What is proposed for a listing.

    ``simulated``: a simulator answered, not a language model. ``hops``: models that were passed
    over. ``partial``: some fields are offered, others stay as you wrote them, with the reason.
    """

    id: uuid.UUID
    listing_id: uuid.UUID
    job_id: uuid.UUID
    base_revision_id: uuid.UUID
    status: str
    engine: str | None
    llm: str | None
    simulated: bool
    hops: list[HopOut]
    partial: bool
    score_before: float
    score_after: float
    hard_before: int
    hard_after: int
    created_at: dt.datetime
    fields: list[SuggestedFieldOut]


class RevisionOut(BaseModel):
    """One version of a listing's texts."""

    id: uuid.UUID
    origin: str
    fields: dict[str, str | list[str]]
    created_at: dt.datetime


class MutedFindingOut(FindingOut):
    """A breach of a rule that you muted: why, and since when."""

    reason: str
    since: dt.date


class ListingOut(ListingRowOut):
    """One listing whole."""

    key: str
    fields: dict[str, str | list[str]]
    html_fields: list[str]
    attributes: dict[str, str]
    current_revision_id: uuid.UUID
    findings: list[FindingOut]
    muted: list[MutedFindingOut]
    revisions: list[RevisionOut]
    suggestion: SuggestionOut | None


class EditIn(Input):
    """Take this text instead."""

    edit: Text | Texts


class RejectIn(Input):
    """Keep the text as it stands."""

    reject: Text


class DecisionsIn(Input):
    """Decisions by field; all of them are taken, or none."""

    decisions: dict[FieldName, Literal["accept", "reject"] | EditIn | RejectIn] = Field(
        min_length=1
    )
