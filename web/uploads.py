"""A seller's file as it arrives in a form, for the API and the pages alike."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import PurePosixPath
from typing import IO, Final

from werkzeug.datastructures import FileStorage

from core.errors import InvalidFieldError
from domain.batch_lane import Speed
from domain.brief import EngineChoice, Mode
from domain.files.choices import parse_columns, parse_profile
from domain.marketplaces.mutes import parse_reasons
from domain.voice import parse_wishes
from services.import_options import ImportOptions, parse_channel, parse_fields
from services.import_receive import CHUNK_BYTES, receive_import
from web.context import get_deps, get_seller

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_MAX_NAME_CHARS: Final = 200
_MAX_LIMIT_DIGITS: Final = 9


def receive_upload(file: FileStorage | None, form: Mapping[str, str]) -> uuid.UUID:
    """Store an uploaded file with its options; the import's id. Raises InputError."""
    options = parse_options(form)
    channel = parse_channel(form.get("channel", "").strip())
    if file is None or not file.filename:
        raise InvalidFieldError(
            "no file was sent.", field="file", remedy="Send it as the part named `file`."
        )
    return receive_import(
        get_deps(),
        get_seller().id,
        name=clean_name(file.filename),
        channel=channel,
        options=options,
        body=_read_body(file.stream),
    )


def parse_options(form: Mapping[str, str]) -> ImportOptions:
    """How the import should be worked on; raises InvalidFieldError naming what is possible."""
    return ImportOptions(
        mode=Mode(_choose(form, "mode", list(Mode))),
        engine=EngineChoice(_choose(form, "engine", list(EngineChoice))),
        fields=parse_fields(form.get("fields", "").split(",")),
        limit=parse_count(form, "limit"),
        llm_top=parse_count(form, "llm_top"),
        profile=parse_profile(form.get("profile", "")),
        mapping=parse_columns(form.get("mapping", "")),
        voice=parse_wishes(form.get("voice", "")),
        speed=Speed(_choose(form, "speed", list(Speed))),
        mutes=parse_reasons(form.get("mutes", "")),
    )


def _choose(form: Mapping[str, str], name: str, known: list[str]) -> str:
    """The value of a field, the first of ``known`` when it is empty."""
    value = form.get(name, "").strip() or known[0]
    if value not in known:
        raise InvalidFieldError(
            f"there is no {name} {value!r}.", field=name, remedy=f"Use one of: {', '.join(known)}."
        )
    return value


def parse_count(form: Mapping[str, str], name: str) -> int | None:
    """A number of products, None when it is left out; raises InvalidFieldError."""
    text = form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_LIMIT_DIGITS):
        raise InvalidFieldError(
            "this is not a number of products.",
            field=name,
            remedy="Send a whole number, or leave it out for all.",
        )
    return int(text)


def clean_name(name: str) -> str:
    """A file name without folders and control characters, shortened in the middle."""
    last = PurePosixPath(_UNPRINTABLE.sub("", name).replace("\\", "/")).name or "file"
    stem, dot, suffix = last.rpartition(".")
    if len(last) <= _MAX_NAME_CHARS or not dot or len(suffix) > _MAX_NAME_CHARS // 2:
        return last[:_MAX_NAME_CHARS]
    return f"{stem[: _MAX_NAME_CHARS - len(suffix) - 1]}.{suffix}"


def _read_body(stream: IO[bytes]) -> Iterable[bytes]:
    first = stream.read(CHUNK_BYTES)
    if not first:
        raise InvalidFieldError(
            "the file is empty.", field="file", remedy="Export it again and send that."
        )
    return chain([first], _iter_rest(stream))


def _iter_rest(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(CHUNK_BYTES):
        yield piece
