"""`flask up`: everything on this machine, from servers to scaler, under one supervisor."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import AppError, ConflictError, SettingsError
from core.settings import Settings, load_settings
from embedded.ports import choose_web_port
from embedded.processes import ProcessSpec
from embedded.servers import RunningServers, start_servers
from embedded.signals import StopSignals
from embedded.state import ServersRecord, own_state, resolve_state_dir, write_servers
from embedded.supervisor import Supervisor
from services.migrate import migrate

CHECKOUT = Path(__file__).resolve().parent.parent
REPLICAS_FILE = "replicas.json"
_HOST = "127.0.0.1"
_SHUTDOWN_S = 30
_INTERACTIVE_THREADS = 8
_EXIT_BAD_INPUT = 2
_SCALING_NAMES = ("WORKER", "SCALER_", "GROQ_REQUESTS", "GROQ_TOKENS", "DATABASE_POOL")
"""None of them is a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What this run was decided to be."""

    settings: Settings
    state_dir: Path
    port: int
    environ: Mapping[str, str]

    @property
    def web_url(self) -> str:
        """Where the pages are."""
        return f"http://{_HOST}:{self.port}"


def run_up(environ: Mapping[str, str]) -> int:
    """Run everything until a signal: 0 after an orderly stop, 1 after a failure, 2 bad input."""
    try:
        plan = _build_plan(environ)
        with own_state(plan.state_dir), StopSignals() as signals:
            return _run(plan, signals=signals)
    except KeyboardInterrupt:
        return 0
    except AppError as error:
        print(error, file=sys.stderr)
        return _EXIT_BAD_INPUT if isinstance(error, (ConflictError, SettingsError)) else 1


def _build_plan(environ: Mapping[str, str]) -> Plan:
    settings = load_settings(environ)
    state_dir = resolve_state_dir(environ)
    port = choose_web_port(settings.port, explicit=bool(environ.get("PORT", "").strip()))
    return Plan(settings=settings, state_dir=state_dir, port=port, environ=environ)


def _run(plan: Plan, *, signals: StopSignals) -> int:
    settings = plan.settings
    (plan.state_dir / REPLICAS_FILE).unlink(missing_ok=True)
    with start_servers(
        plan.state_dir, database=not settings.database_url, redis=not settings.redis_url
    ) as servers:
        record = _build_record(plan, servers)
        migrate(record.database_url)
        write_servers(plan.state_dir, record=record)
        signals.start_counting()
        supervisor = Supervisor(
            servers.started, signals=signals, read_wanted=lambda: read_replicas(plan)
        )
        return _supervise(plan, supervisor, record=record)


def _build_record(plan: Plan, servers: RunningServers) -> ServersRecord:
    return ServersRecord(
        owner_pid=os.getpid(),
        database_url=servers.database_url or plan.settings.database_url,
        redis_url=servers.redis_url or plan.settings.redis_url,
        web_url=plan.web_url,
        scaling={
            name: value for name, value in plan.environ.items() if name.startswith(_SCALING_NAMES)
        },
    )


def _supervise(plan: Plan, supervisor: Supervisor, *, record: ServersRecord) -> int:
    env = build_child_env(plan, record)
    web, *others = list_specs(plan, env=env)
    supervisor.add(web)  # by itself, so that the page is there first on a slow machine
    if supervisor.run(until=lambda: is_web_ready(plan.port)):
        _announce(plan)
        for spec in (*others, build_demo_spec(env)):
            supervisor.add(spec)
        supervisor.run()
    return supervisor.stop()


def _announce(plan: Plan) -> None:
    if plan.port != plan.settings.port:
        print(f"Port {plan.settings.port} is taken; {plan.port} is used instead.", flush=True)
    print(f"Listwright runs at {plan.web_url} (Ctrl-C stops it).", flush=True)


def build_child_env(plan: Plan, record: ServersRecord) -> dict[str, str]:
    """The environment of web, workers and scaler: ours, with the servers' addresses."""
    return {
        **plan.environ,
        "DATABASE_URL": record.database_url,
        "REDIS_URL": record.redis_url,
        "LISTWRIGHT_STATE_DIR": str(plan.state_dir),
        "PORT": str(plan.port),
        "PUBLIC_URL": plan.settings.public_url or plan.web_url,
        "SCALER_ADAPTER": "local",
        "SCALER_APPLY": "1",
        "PYTHONUNBUFFERED": "1",
    }


def list_specs(plan: Plan, *, env: Mapping[str, str]) -> list[ProcessSpec]:
    """Web, the two kinds of workers, and the scaler; in the order of their start."""
    bulk = _dramatiq("bulk", "scheduled", threads=plan.settings.worker_threads)
    interactive = _dramatiq("interactive", "files", threads=_INTERACTIVE_THREADS)
    return [
        _spec("web", _gunicorn(plan.port), env=env),
        _spec("interactive", interactive, env=env),
        _spec("worker", bulk, env=env, replicable=True),
        _spec("scaler", [sys.executable, "scaler.py"], env=env),
    ]


def build_demo_spec(env: Mapping[str, str]) -> ProcessSpec:
    """The demo seller and the sign-in link; a process, since it waits while we must not."""
    return _spec("demo", [sys.executable, "-m", "embedded.demo"], env=env, once=True)


def _spec(
    name: str,
    argv: list[str],
    *,
    env: Mapping[str, str],
    replicable: bool = False,
    once: bool = False,
) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        argv=argv,
        env=env,
        cwd=CHECKOUT,
        stop_timeout_s=_SHUTDOWN_S + 5,
        replicable=replicable,
        once=once,
    )


def _gunicorn(port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "--no-control-socket", "--workers", "2"),
        *("--threads", "8", "--graceful-timeout", "5", "--log-level", "warning"),
        *("--bind", f"{_HOST}:{port}", "web.factory:create_app()"),
    ]


def _dramatiq(*queues: str, threads: int) -> list[str]:
    return [
        *(sys.executable, "-m", "dramatiq", "workers.main", "--skip-logging"),
        *("--processes", "1", "--threads", str(threads)),
        *("--worker-shutdown-timeout", str(_SHUTDOWN_S * 1000)),
        *("--queues", *queues),
    ]


def is_web_ready(port: int) -> bool:
    """Whether the web process answers."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()


def read_replicas(plan: Plan) -> dict[str, int]:
    """How many bulk workers the scaler wants, within the settings' limits."""
    settings = plan.settings
    wanted = settings.workers_min
    with suppress(OSError, ValueError, TypeError, AttributeError):
        text = (plan.state_dir / REPLICAS_FILE).read_text(encoding="utf-8")
        wanted = int(json.loads(text).get("worker", wanted))
    return {"worker": max(settings.workers_min, min(wanted, settings.workers_max))}
