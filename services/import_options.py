"""How a seller wants an import to be worked on: mode, engine, fields, columns, voice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from core.errors import InvalidFieldError
from domain.batch_lane import Speed
from domain.brief import EngineChoice, Mode
from domain.files.choices import AUTOMATIC, Columns
from domain.job import Lane
from domain.listing import TEXT_FIELDS, Channel
from domain.voice import Voice
from services.submit import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How an import should be worked on; ``limit`` counts products in file order (None: all).

    ``mapping`` None means that the seller said nothing: what they chose for the newest file with
    the same header holds again. {} means that our own recognition alone decides. ``profile`` is the
    file's format, with "" and "auto" in the same senses. ``voice`` are
    wishes of this import alone; once it is received, the whole voice it works with, of which
    ``own_wishes`` names what was said for this import alone. ``mutes`` are
    reasons by rule, for this import alone and beside those of the store. ``speed`` batch lets the
    work wait up to a day for half the price, where the provider allows it. ``llm_top`` leaves all
    to the rules but so many products, those worth most (None: no such bound).
    """

    mode: Mode = Mode.FIX
    engine: EngineChoice = EngineChoice.AUTO
    fields: tuple[str, ...] = ()
    limit: int | None = None
    profile: str = ""
    mapping: Columns | None = None
    voice: Mapping[str, Any] = field(default_factory=dict)
    own_wishes: tuple[str, ...] = ()
    mutes: Mapping[str, str] = field(default_factory=dict)
    lane: Lane = Lane.BULK
    speed: Speed = Speed.NOW
    llm_top: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for storage."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ImportOptions:
        """Rebuild what ``to_json`` stored."""
        return cls(
            mode=Mode(stored["mode"]),
            engine=EngineChoice(stored["engine"]),
            fields=tuple(stored["fields"]),
            limit=stored["limit"],
            profile=stored["profile"],
            mapping=read_columns(stored.get("mapping")),
            voice=stored.get("voice", {}),
            own_wishes=tuple(stored.get("own_wishes", ())),
            mutes=stored.get("mutes", {}),
            lane=Lane(stored["lane"]),
            speed=Speed(stored.get("speed", Speed.NOW)),
            llm_top=stored.get("llm_top"),
        )

    @property
    def own_profile(self) -> str | None:
        """The format the seller chose, None where it is to be recognised."""
        return None if self.profile in ("", AUTOMATIC) else self.profile

    @property
    def wish(self) -> Wish:
        """The same for one listing."""
        voice = Voice.from_json(self.voice)
        return Wish(mode=self.mode, engine=self.engine, touch=self.fields, voice=voice)


def require_top(options: ImportOptions) -> ImportOptions:
    """The same options; raises InvalidFieldError where ``llm_top`` contradicts the engine."""
    if options.llm_top is not None and options.engine is not EngineChoice.AUTO:
        raise InvalidFieldError(
            "it leaves the other products to the rules, so it needs the engine auto.",
            field="llm_top",
            remedy="Leave the engine out, or choose auto.",
        )
    return options


def read_columns(stored: Mapping[str, Any] | None) -> Columns | None:
    """Chosen columns as they were stored."""
    if stored is None:
        return None
    return {name: tuple(headers) for name, headers in stored.items()}


def parse_fields(names: Iterable[str]) -> tuple[str, ...]:
    """Field names a suggestion may change; raises InvalidFieldError naming the known ones."""
    wanted = tuple(name.strip() for name in names if name.strip())
    for name in wanted:
        if name not in TEXT_FIELDS:
            raise InvalidFieldError(
                f"there is no field {name!r}.",
                field="fields",
                remedy=f"Use some of: {', '.join(TEXT_FIELDS)}.",
            )
    return wanted


def parse_channel(name: str) -> str:
    """A known channel, or "" for the file's own; raises InvalidFieldError naming them."""
    if name and name not in list(Channel):
        raise InvalidFieldError(
            f"there is no channel {name!r}.",
            field="channel",
            remedy=f"Use one of: {', '.join(Channel)}.",
        )
    return name
