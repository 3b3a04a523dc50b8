"""Structured logs: an event name in the past tense plus fields, never prose, never secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, cast

import structlog

_SECRET_FIELDS = frozenset({"authorization", "api_key", "key", "token", "cookie", "password"})
_URL_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@\s/]*@")


def _redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if name.lower() in _SECRET_FIELDS:
            event[name] = "[redacted]"
        elif isinstance(value, str):
            event[name] = redact_url(value)
    return event


def redact_url(text: str) -> str:
    """Replace the password of every URL in ``text``."""
    return _URL_PASSWORD.sub(r"\1:[redacted]@", text)


def configure_logging(*, level: str, json_lines: bool) -> None:
    """Send our own and the libraries' logs to standard error, one line an event."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        # Looked up at each line: tests and shells replace standard error.
        logger_factory=lambda *_: structlog.PrintLogger(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=level.upper(), stream=sys.stderr, format="%(levelname)s %(message)s")
    for noisy in ("httpx", "httpcore", "dramatiq", "alembic", "groq"):
        logging.getLogger(noisy).setLevel("WARNING")


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose events carry ``component=name``."""
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger(component=name))
