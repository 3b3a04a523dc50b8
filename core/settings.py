"""Every setting of the product: its variable, type, unit, default and limits, read in one place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from core.errors import SettingsError

T = TypeVar("T")


def _text(raw: str) -> str:
    return raw


def _flag(raw: str) -> bool:
    lowered = raw.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    reason = "is not a yes or no; use 1 or 0"
    raise ValueError(reason)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        try:
            number = int(raw)
        except ValueError:
            reason = "is not a whole number"
            raise ValueError(reason) from None
        if not low <= number <= high:
            reason = f"is outside {low} to {high}"
            raise ValueError(reason)
        return number

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.lower() not in choices:
            reason = f"is none of {', '.join(choices)}"
            raise ValueError(reason)
        return raw.lower()

    return parse


def _words(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        words = [word.strip().lower() for word in raw.split(",")]
        if not set(words) <= set(choices):
            reason = f"holds others than {', '.join(choices)}"
            raise ValueError(reason)
        return ",".join(words)

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.split("://", 1)[0] not in schemes or "://" not in raw:
            reason = f"is not a URL that starts with {' or '.join(s + '://' for s in schemes)}"
            raise ValueError(reason)
        return raw

    return parse


def _var(name: str, parse: Callable[[str], T], default: T, what: str, *, secret: bool = False) -> T:
    spec = {"name": name, "parse": parse, "what": what, "secret": secret}
    made: T = field(default=default, metadata=spec, repr=not secret)
    return made


_POSTGRES = _url("postgres", "postgresql", "postgresql+psycopg")
_REDIS = _url("redis", "rediss", "unix")
_HTTP = _url("http", "https")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked. Secrets are left out of ``repr``."""

    database_url: str = _var(
        "DATABASE_URL",
        _POSTGRES,
        "",
        "Postgres; empty: the embedded server is started",
        secret=True,
    )
    database_pool_size: int = _var(
        "DATABASE_POOL_SIZE", _whole(1, 100), 8, "connections each process may hold"
    )
    redis_url: str = _var(
        "REDIS_URL", _REDIS, "", "Redis or Valkey for the broker; empty: embedded", secret=True
    )
    cache_redis_url: str = _var(
        "CACHE_REDIS_URL",
        _REDIS,
        "",
        "Redis for the cache; empty: database 1 beside the broker's",
        secret=True,
    )
    groq_api_key: str = _var(
        "GROQ_API_KEY",
        _text,
        "",
        "key of the Groq API; empty: the rules engine writes",
        secret=True,
    )
    groq_base_url: str = _var("GROQ_BASE_URL", _HTTP, "", "another address of the Groq API")
    groq_model: str = _var("GROQ_MODEL", _text, "openai/gpt-oss-20b", "the language model")
    groq_requests_per_minute: int = _var(
        "GROQ_REQUESTS_PER_MINUTE", _whole(1, 1_000_000), 1000, "the organisation's limit"
    )
    groq_tokens_per_minute: int = _var(
        "GROQ_TOKENS_PER_MINUTE", _whole(1, 1_000_000_000), 250_000, "the organisation's limit"
    )
    groq_batch: bool = _var(
        "GROQ_BATCH",
        _flag,
        default=True,
        what="whether work that may wait a day goes in files, at half the price",
    )
    groq_batch_window_h: int = _var(
        "GROQ_BATCH_WINDOW_H", _whole(24, 168), 24, "hours that Groq has for such a file"
    )
    groq_batch_poll_s: int = _var(
        "GROQ_BATCH_POLL_S", _whole(1, 3600), 60, "seconds between two looks at such a file"
    )
    groq_requests_per_day: int = _var(
        "GROQ_REQUESTS_PER_DAY",
        _whole(0, 1_000_000_000),
        0,
        "the organisation's limit; 0: none is known",
    )
    groq_tokens_per_day: int = _var(
        "GROQ_TOKENS_PER_DAY",
        _whole(0, 1_000_000_000_000),
        0,
        "the organisation's limit (the free plan: 200000); 0: none is known",
    )
    spend_day_max_cents: int = _var(
        "SPEND_DAY_MAX_CENTS",
        _whole(0, 100_000_000),
        0,
        "US cents of all sellers in a UTC day; then jobs wait; 0: no cap",
    )
    spend_month_max_cents: int = _var(
        "SPEND_MONTH_MAX_CENTS",
        _whole(0, 100_000_000),
        0,
        "US cents of all sellers in a UTC month; then jobs wait; 0: no cap",
    )
    port: int = _var("PORT", _whole(1, 65_535), 8000, "where the web process listens")
    public_url: str = _var(
        "PUBLIC_URL", _HTTP, "", "the address sellers see; https makes cookies Secure"
    )
    worker_threads: int = _var(
        "WORKER_THREADS", _whole(1, 256), 32, "jobs one worker process runs at once"
    )
    worker_doorbell: bool = _var(
        "WORKER_DOORBELL",
        _flag,
        default=True,
        what="idle workers wait for a ring; 0: they look every 100 ms (no blocking commands)",
    )
    workers_min: int = _var(
        "WORKERS_MIN", _whole(0, 50), 1, "fewest bulk worker replicas: 0 to 50; on Railway 1 to 50"
    )
    workers_max: int = _var("WORKERS_MAX", _whole(1, 50), 2, "most bulk worker replicas: 1 to 50")
    seller_backlog_max: int = _var(
        "SELLER_BACKLOG_MAX",
        _whole(1, 100_000_000),
        500_000,
        "a seller with so many unfinished jobs gets 429 until some have ended",
    )
    worker_pool: str = _var(
        "LISTWRIGHT_POOL", _text, "default", "which jobs this process serves; set by the commands"
    )
    state_dir: str = _var(
        "LISTWRIGHT_STATE_DIR", _text, "", "where embedded servers keep their data"
    )
    max_upload_bytes: int = _var(
        "MAX_UPLOAD_BYTES", _whole(1024, 2**31), 200 * 1024 * 1024, "largest seller's file"
    )
    reoptimize_timeout_s: int = _var(
        "REOPTIMIZE_TIMEOUT_S",
        _whole(1, 86_400),
        1800,
        "seconds after which a run of `flask reoptimize` submits what it has found, and ends",
    )
    scaler_adapter: str = _var(
        "SCALER_ADAPTER",
        _one_of("local", "railway"),
        "local",
        "what the scaler sets the replicas of",
    )
    scaler_apply: bool = _var(
        "SCALER_APPLY",
        _flag,
        default=False,
        what="whether the scaler sets replicas or only says what it would set",
    )
    scaler_lanes: str = _var(
        "SCALER_LANES",
        _words("interactive", "bulk", "scheduled", "files"),
        "bulk,scheduled",
        "the lanes that the scaled workers serve, with commas",
    )
    scaler_schedule: str = _var(
        "SCALER_SCHEDULE",
        _text,
        "",
        "replicas before known work, UTC: 01:58-02:10=2, more with commas",
    )
    scaler_tick_s: int = _var(
        "SCALER_TICK_S", _whole(1, 60), 10, "seconds between two looks of the scaler"
    )
    scaler_start_s: int = _var(
        "SCALER_START_S", _whole(1, 600), 60, "seconds until a new replica serves"
    )
    scaler_drain_s: int = _var(
        "SCALER_DRAIN_S", _whole(1, 3600), 120, "seconds in which a backlog should be gone"
    )
    scaler_window_s: int = _var(
        "SCALER_WINDOW_S", _whole(1, 7200), 600, "seconds that a lower need must last"
    )
    scaler_connections: int = _var(
        "SCALER_CONNECTIONS",
        _whole(0, 100_000),
        0,
        "connections the database or its pooler allows; 0: what Postgres says",
    )
    railway_token: str = _var(
        "RAILWAY_TOKEN",
        _text,
        "",
        "Railway project token of the environment to scale in",
        secret=True,
    )
    railway_worker_service_id: str = _var(
        "RAILWAY_WORKER_SERVICE_ID", _text, "", "the service that the scaler scales"
    )
    railway_service_id: str = _var(
        "RAILWAY_SERVICE_ID", _text, "", "the scaler's own service, set by Railway; never scaled"
    )
    railway_environment_id: str = _var(
        "RAILWAY_ENVIRONMENT_ID", _text, "", "the environment to scale in, set by Railway"
    )
    railway_api_url: str = _var(
        "RAILWAY_API_URL", _HTTP, "", "another address of the Railway API (the simulator's)"
    )
    railway_write: str = _var(
        "RAILWAY_WRITE",
        _one_of("patch", "instance"),
        "patch",
        "how replicas are written: environmentPatchCommit or serviceInstanceUpdate",
    )
    alarm_webhook_url: str = _var(
        "ALARM_WEBHOOK_URL",
        _HTTP,
        "",
        "where alarms are posted as JSON; they also stand in the log and in `flask events`",
        secret=True,
    )
    log_level: str = _var(
        "LOG_LEVEL", _one_of("debug", "info", "warning", "error"), "info", "least level logged"
    )
    log_format: str = _var("LOG_FORMAT", _one_of("console", "json"), "console", "how logs look")

    @property
    def broker_url(self) -> str:
        """The broker's Redis."""
        return self.redis_url

    @property
    def cache_url(self) -> str:
        """The cache's Redis: never the broker's logical database."""
        if self.cache_redis_url or not self.redis_url:
            return self.cache_redis_url
        base, _, query = self.redis_url.partition("?")
        head, slash, last = base.rpartition("/")
        if self.redis_url.startswith("unix"):
            return f"{base}?db=1" + (f"&{query}" if query else "")
        return f"{head}/1" if slash and last.isdigit() else f"{base.rstrip('/')}/1"


def list_setting_specs() -> list[Mapping[str, Any]]:
    """One mapping per setting: ``name``, ``what``, ``secret``, ``default``."""
    return [{**spec.metadata, "default": spec.default} for spec in fields(Settings)]


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check all settings.

    A secret may also come from the file that ``NAME_FILE`` names. Empty counts as not set.
    Raises SettingsError that lists every fault at once.
    """
    values: dict[str, Any] = {}
    faults: list[str] = []
    for spec in fields(Settings):
        name = spec.metadata["name"]
        try:
            raw = _find_raw(environ, name, secret=spec.metadata["secret"])
            if raw:
                values[spec.name] = spec.metadata["parse"](raw)
        except (ValueError, OSError) as fault:
            faults.append(f"{name} {fault}")
    settings = Settings(**values)
    if settings.workers_min > settings.workers_max:
        faults.append("WORKERS_MIN is above WORKERS_MAX")
    if faults:
        raise SettingsError("; ".join(faults), remedy="See docs/settings.md.", field="settings")
    return settings


def _find_raw(environ: Mapping[str, str], name: str, *, secret: bool) -> str:
    raw = environ.get(name, "").strip()
    if raw or not secret or not environ.get(f"{name}_FILE"):
        return raw
    return Path(environ[f"{name}_FILE"]).read_text(encoding="utf-8").strip()


def process_environ() -> Mapping[str, str]:
    """The environment of this process; the only door to it."""
    return os.environ
