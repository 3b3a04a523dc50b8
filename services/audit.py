"""Audits: a file held against the rules. No database, no network, no language model."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from core.clock import today
from core.errors import TooLargeError
from domain.audit.report import Audit, AuditFinding
from domain.audit.scope import build_scope, parse_day
from domain.files.choices import AUTOMATIC, parse_profile
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import DEFAULT_LIMITS, ByteStream, FileLimits
from domain.marketplaces.mutes import choose_reasons

MAX_NOW_BYTES: Final = 10 * 1024 * 1024
"""The work that one request may ask for: the file's size times the number of channels."""

MAX_NOW_ROWS: Final = 20_000
"""A workbook of few bytes may hold very many rows."""

MAX_NOW_FINDINGS: Final = 5_000
_KB: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWish:
    """What to check a file against, as it was typed; ``channel`` "" is the file's own platform.

    ``mutes`` are reasons by rule (those of other channels do nothing), ``profile`` the file's
    format ("" or "auto": recognise it).
    """

    channel: str = ""
    store: str = "US"
    category: str = ""
    on: str = ""
    profile: str = ""
    mutes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAudit:
    """A file that can be audited, and the audit as it goes on."""

    audit: Audit
    stream: ByteStream
    limits: FileLimits

    def iter_findings(self) -> Iterator[AuditFinding]:
        """Every finding, in file order; the audit is complete when they are used up."""
        products = iter_products(self.stream, self.audit.shape, limits=self.limits)
        return self.audit.iter_findings(products)


def open_audit(
    stream: ByteStream, wish: AuditWish, *, limits: FileLimits = DEFAULT_LIMITS
) -> OpenAudit:
    """Look the file and the wish over.

    Raises InvalidFieldError, FileFormatError or TooLargeError for what cannot be audited; nothing
    can fail once it has begun, short of the file's changing meanwhile.
    """
    day = parse_day(wish.on, today=today())
    build_scope(wish.channel or "all", file_channel="", as_of=day, store=wish.store)
    profile = parse_profile(wish.profile)
    own = profile if profile not in ("", AUTOMATIC) else None
    shape = inspect_file(stream, limits=limits, profile=own)
    scope = build_scope(
        wish.channel,
        file_channel=shape.channel,
        as_of=day,
        store=wish.store,
        category=wish.category,
    )
    scope = replace(scope, mutes=choose_reasons(wish.mutes, scope.channels))
    audit = Audit(shape=shape, scope=scope, named=own is not None)
    return OpenAudit(audit=audit, stream=stream, limits=limits)


def build_head(audit: Audit) -> dict[str, Any]:
    """What stands before the findings, once they are known."""
    return {
        "channel": audit.scope.channel,
        "as_of": audit.scope.as_of.isoformat(),
        "rows": audit.shape.rows,
        "products": audit.products,
    }


def build_tail(audit: Audit) -> dict[str, Any]:
    """What stands behind the findings."""
    return {
        "counts": audit.build_counts(),
        "muted": audit.build_muted(),
        "packs": [pack.to_json() for pack in audit.build_packs()],
        "notes": list(audit.build_notes()),
    }


def audit_now(stream: ByteStream, wish: AuditWish, *, size_bytes: int) -> dict[str, Any]:
    """Audit a file of modest size while its sender waits.

    ``findings`` holds the first ones; counts and packs are of all. Raises as ``open_audit`` does,
    and TooLargeError for a file that would take too long.
    """
    _require_modest(size_bytes, MAX_NOW_BYTES)
    opened = open_audit(stream, wish, limits=FileLimits(max_rows=MAX_NOW_ROWS))
    _require_modest(size_bytes, MAX_NOW_BYTES // len(opened.audit.scope.channels))
    found = opened.iter_findings()
    shown = [finding.to_json() for finding in itertools.islice(found, MAX_NOW_FINDINGS)]
    more = sum(1 for _ in found)
    tail = build_tail(opened.audit)
    if more:
        tail["notes"].append(
            f"Only the first {MAX_NOW_FINDINGS} findings are listed, {more} more were found; counts"
            " and packs are of all. Use `flask audit` to get every one."
        )
    return {**build_head(opened.audit), "findings": shown, "truncated": bool(more), **tail}


def _require_modest(size_bytes: int, limit: int) -> None:
    if size_bytes > limit:
        raise TooLargeError(
            f"the file has {size_bytes // _KB} kB; {limit // _KB} kB can be audited at once.",
            field="file",
            remedy="Send it as an import (POST /api/v1/imports), or audit fewer channels at once.",
        )
