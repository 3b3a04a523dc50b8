"""The shapes of the JSON API, as plain pydantic models that know no web framework."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from domain.brief import EngineChoice, Mode
from domain.files.forms import Form
from domain.listing import Channel
from domain.voice import MAX_TONE_CHARS, MAX_WORD_CHARS, MAX_WORDS

MAX_CELL_CHARS: Final = 100_000
MAX_ITEMS: Final = 250
MAX_ATTRIBUTES: Final = 500
MAX_PAGE: Final = 200

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def refuse_control(text: str) -> str:
    """Refuse characters that no shop shows and Postgres does not store."""
    found = _CONTROL.search(text)
    if found:
        message = f"the control character U+{ord(found.group()):04X} is not allowed"
        raise ValueError(message)
    return text


Text = Annotated[str, StringConstraints(max_length=MAX_CELL_CHARS), AfterValidator(refuse_control)]
Texts = Annotated[list[Text], Field(max_length=MAX_ITEMS)]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(refuse_control),
]
FieldName = Literal[
    "title",
    "subtitle",
    "short_title",
    "highlights",
    "bullets",
    "description",
    "short_description",
    "tags",
    "materials",
    "search_terms",
    "seo_title",
    "seo_description",
]


class Input(BaseModel):
    """What is sent to us: a field we do not know is refused, so that no wish is lost in silence."""

    model_config = ConfigDict(extra="forbid")


class ListingIn(Input):
    """One product page. A field left out does not exist on it; an empty one does and is empty."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    sku: Name
    title: Text | None = None
    subtitle: Text | None = None
    short_title: Text | None = None
    highlights: Text | None = None
    bullets: Texts | None = None
    description: Text | None = None
    short_description: Text | None = None
    tags: Texts | None = None
    materials: Texts | None = None
    search_terms: Text | None = None
    seo_title: Text | None = None
    seo_description: Text | None = None
    brand: Text | None = None
    attributes: dict[Name, Text] = Field(default_factory=dict, max_length=MAX_ATTRIBUTES)
    html_fields: list[FieldName] | None = Field(
        default=None, description="Fields whose text is HTML; found out when left out."
    )


Word = Annotated[Name, StringConstraints(max_length=MAX_WORD_CHARS)]
Words = Annotated[list[Word], Field(max_length=MAX_WORDS)]


class VoiceIn(Input):
    """What you want of every text. What is left out is not wished for."""

    tone: Annotated[str, StringConstraints(max_length=MAX_TONE_CHARS)] = Field(
        default="", description="A few words, such as: calm, plain, no jokes."
    )
    brands: Words = Field(default_factory=list, description="How brands are spelt.")
    prefer: Words = Field(default_factory=list, description="Words to use where they are true.")
    avoid: Words = Field(default_factory=list, description="Words that no proposal may hold.")
    locks: list[FieldName] = Field(default_factory=list, description="Fields to leave alone.")
    keywords: Words = Field(default_factory=list, description="What you want to be found for.")


class VoiceOut(VoiceIn):
    """Your voice; ``version`` rises with each change, 0 before the first."""

    version: int


class StoreVoiceIn(Input):
    """What you want of the texts of one store. What is left out (or null) is as your voice says."""

    tone: Annotated[str, StringConstraints(max_length=MAX_TONE_CHARS)] | None = None
    brands: Words | None = None
    prefer: Words | None = None
    avoid: Words | None = None
    locks: list[FieldName] | None = None
    keywords: Words | None = None


class StoreVoiceOut(BaseModel):
    """``wishes`` is what you said for this store alone, ``voice`` all that holds in it."""

    channel: str
    wishes: dict[str, JsonValue]
    voice: VoiceOut


class JobIn(Input):
    """One listing to optimize: sent along, or one that we have."""

    channel: Channel | None = None
    listing: ListingIn | None = None
    listing_id: uuid.UUID | None = None
    mode: Mode = Mode.FIX
    engine: EngineChoice = EngineChoice.AUTO
    fields: list[FieldName] = Field(
        default_factory=list, description="What may change; empty: every field of the listing."
    )
    keywords: Words = Field(default_factory=list, description="Instead of those of your voice.")
    voice: VoiceIn | None = Field(
        default=None, description="Instead of what your voice says, for this job alone."
    )
    variant: int = Field(
        default=0,
        ge=0,
        le=9,
        description="Equal work is answered by what was paid for before; another number asks anew.",
    )

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        if (self.listing is None) == (self.listing_id is None):
            message = "send exactly one of listing and listing_id"
            raise ValueError(message)
        if self.listing is not None and self.channel is None:
            message = f"a listing needs a channel: one of {', '.join(Channel)}"
            raise ValueError(message)
        return self


class AcceptedOut(BaseModel):
    """Something was taken in; ask its address (the Location header) how it goes."""

    id: uuid.UUID
    state: str


class ReasonOut(BaseModel):
    """Why something failed."""

    code: str
    message: str


class HopOut(BaseModel):
    """A language model that was passed over, and why."""

    llm: str
    reason: str


class JobOut(BaseModel):
    """A job. ``outcome`` says what a completed one came to; cost is in millionths of a dollar."""

    id: uuid.UUID
    kind: str
    lane: str
    state: str
    outcome: str | None
    failures: int
    error: ReasonOut | None
    listing_id: uuid.UUID | None
    suggestion_id: uuid.UUID | None
    engine: str | None
    hops: list[HopOut]
    reused: bool
    cost_microusd: int
    created_at: dt.datetime
    scheduled_at: dt.datetime
    attempted_at: dt.datetime | None
    finalized_at: dt.datetime | None
    waits_for: str | None


class JobsOut(BaseModel):
    """The newest jobs."""

    items: list[JobOut]


class PageQuery(Input):
    """How many, newest first."""

    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


class ColumnOut(BaseModel):
    """Which of the file's columns a field is read from, and what the first product has there."""

    field: str
    headers: list[str]
    example: str


class AcceptanceOut(BaseModel):
    """How accepting everything goes: ``seen`` of ``total`` products were gone through."""

    job_id: uuid.UUID
    state: str
    over: bool
    seen: int
    total: int
    accepted: int


class ImportOut(BaseModel):
    """A file and how far the work on it is."""

    id: uuid.UUID
    name: str
    state: str
    channel: str
    format: str | None
    file_channel: str | None
    confidence: float | str | None
    options: dict[str, JsonValue]
    size_bytes: int
    sha256: str
    rows: int
    products: int
    problems_total: int
    notes: list[str]
    estimate: dict[str, JsonValue] | None
    error: dict[str, JsonValue] | None
    batch_id: uuid.UUID | None
    created_at: dt.datetime
    progress: dict[str, Any]
    problems: list[dict[str, JsonValue]] = Field(default_factory=list)
    muted: dict[str, str] = Field(default_factory=dict)
    columns: list[ColumnOut] = Field(default_factory=list)
    acceptance: AcceptanceOut | None = None


class ImportsOut(BaseModel):
    """The newest imports."""

    items: list[ImportOut]


class FormQuery(Input):
    """Which form of the file; left out, the one that fits file and channel."""

    form: Form | None = None


class CheckOut(BaseModel):
    """Whether requests can be served, and the state of each dependency: "ok" or why not."""

    ready: bool
    checks: dict[str, str]


class AliveOut(BaseModel):
    """The process answers."""

    status: str


class ProblemOut(BaseModel):
    """An error (RFC 9457). ``code`` is stable; ``remedy`` says what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[dict[str, str]]
    remedy: str
