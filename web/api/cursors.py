"""Cursors: where a page ended, as text that callers pass back and need not understand."""

from __future__ import annotations

import base64
import binascii
import uuid

from core.errors import InvalidFieldError


def format_cursor(after: uuid.UUID | None) -> str | None:
    """The cursor of the page after this one, None when there is none."""
    return None if after is None else base64.urlsafe_b64encode(after.bytes).decode().rstrip("=")


def parse_cursor(cursor: str) -> uuid.UUID | None:
    """Where to go on; raises InvalidFieldError for a cursor that we did not make."""
    if not cursor:
        return None
    try:
        return uuid.UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise InvalidFieldError(
            "this cursor is not one of ours.",
            field="cursor",
            remedy="Use the `next` of a page as it was, or leave it out.",
        ) from None
