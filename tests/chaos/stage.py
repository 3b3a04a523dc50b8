"""The stage of every row: servers that may be killed, and a scene of its own for each fault."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from core.clock import wait_until
from core.ids import new_id
from embedded import postgres, valkey
from embedded.processes import ProcessSpec, find_server_account
from services.deps import Deps
from tests.chaos.programs import Program, pick_environ
from tests.chaos.proxy import FaultProxy, running_proxy
from tests.support.groq_sim import GroqSimulator
from tests.support.jobs import open_deps, query
from tests.support.servers import (
    ROOT,
    build_template,
    create_database,
    drop_database,
    flush_redis,
    make_test_folder,
)

MANY: Final = "1000000000"
START_S: Final = 60.0


@dataclass(slots=True)
class Server:
    """One server that may be killed and started again on what it kept."""

    build: Callable[[], ProcessSpec]
    is_answering: Callable[[], bool]
    _program: Program | None = None

    def start(self) -> None:
        """Start it and wait for its first answer."""
        self._program = Program(self.build())
        self._program.start()
        assert wait_until(self.is_answering, timeout_s=START_S, poll_s=0.02), "no answer"

    def restore(self) -> None:
        """Start it anew where a row that went wrong left it dead or dumb."""
        if not self.is_answering():
            self.kill()
            self.start()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal all of it, and wait for its end."""
        if self._program is not None:
            self._program.kill(number)


@dataclass(slots=True, kw_only=True)
class Stage:
    """A Postgres and a Valkey for chaos alone; ``template`` is a migrated database.

    Postgres waits for the disk as it does in production: a server that forgets what it promised
    would be another experiment.
    """

    folder: Path
    postgres: Server
    valkey: Server
    admin_url: str
    redis_url: str
    template: str

    @property
    def socket_path(self) -> str:
        """Where Postgres listens."""
        host = str(psycopg.conninfo.conninfo_to_dict(self.admin_url)["host"])
        return f"{host}/.s.PGSQL.5432"


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Both servers, started; nothing of them is left at the end."""
    folder = make_test_folder("listwright-chaos-")
    account = find_server_account()
    _, pg_url = postgres.build_postgres(folder, account=account)
    road_spec, redis_url = valkey.build_valkey(folder, account=account, durable=False)
    # Built anew at each start: that removes the lock of the server that was killed.
    pg = Server(
        lambda: postgres.build_postgres(folder, account=account)[0],
        lambda: postgres.is_answering(pg_url),
    )
    road = Server(lambda: road_spec, lambda: valkey.is_answering(redis_url))
    try:
        pg.start()
        road.start()
        postgres.create_database(pg_url, name=postgres.DATABASE)
        yield Stage(
            folder=folder,
            postgres=pg,
            valkey=road,
            admin_url=pg_url,
            redis_url=redis_url,
            template=build_template(pg_url),
        )
    finally:
        road.kill()
        pg.kill(signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True, kw_only=True)
class Scene:
    """One row's own database, emptied Redis, simulated Groq, and the doors to them.

    ``deps`` go straight to the servers, so that the truth can be read during the fault. Workers
    get ``worker_deps``, whose ways lead through the proxies where the row wants proxies.
    """

    stage: Stage
    folder: Path
    deps: Deps
    worker_deps: Deps
    groq: GroqSimulator
    keys: dict[str, str]
    to_postgres: FaultProxy | None = None
    to_redis: FaultProxy | None = None

    def query(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """What is really stored."""
        return query(self.deps, statement, **values)

    def count(self, what: str, **values: object) -> int:
        """How many rows; ``what`` follows FROM."""
        return int(self.query(f"SELECT count(*) FROM {what}", **values)[0][0])  # noqa: S608


@contextmanager
def open_scene(
    stage: Stage, *, latency_ms: float = 0.0, proxies: bool = False, **keys: str
) -> Iterator[Scene]:
    """A scene on the stage, with proxies before both servers when wanted; removed at the end."""
    flush_redis(stage.redis_url)
    name = f"chaos_{new_id().hex[-12:]}"
    url = create_database(stage.admin_url, name=name, template=stage.template)
    with ExitStack() as stack:
        stack.callback(drop_database, stage.admin_url, name=name)
        folder = stage.folder / name
        folder.mkdir()
        groq = stack.enter_context(running_simulator(folder, latency_ms))
        keys = {
            "GROQ_API_KEY": "gsk_chaos",
            "GROQ_BASE_URL": groq.url,
            "GROQ_REQUESTS_PER_MINUTE": "1000000",
            "GROQ_TOKENS_PER_MINUTE": MANY,
            **keys,
        }
        deps = stack.enter_context(open_deps(url, stage.redis_url, **keys))
        watch_moves(deps)
        scene = Scene(stage=stage, folder=folder, deps=deps, worker_deps=deps, groq=groq, keys=keys)
        if proxies:
            put_proxies(scene, stack, name)
        yield scene


def put_proxies(scene: Scene, stack: ExitStack, name: str) -> None:
    """Let the workers reach both servers through proxies only."""
    stage = scene.stage
    host, port = stage.redis_url.rpartition("@")[2].partition("/")[0].split(":")
    scene.to_postgres = stack.enter_context(running_proxy(stage.socket_path))
    scene.to_redis = stack.enter_context(running_proxy((host, int(port))))
    user = psycopg.conninfo.conninfo_to_dict(stage.admin_url)["user"]
    url = f"postgresql://{user}@127.0.0.1:{scene.to_postgres.port}/{name}?sslmode=disable"
    redis_url = stage.redis_url.replace(f"{host}:{port}", f"{host}:{scene.to_redis.port}")
    scene.worker_deps = stack.enter_context(open_deps(url, redis_url, **scene.keys))


def watch_moves(deps: Deps) -> None:
    """Write down every move of every job, with the fence, the owner and the time."""
    for statement in _WATCH:
        with deps.database.transaction(system="watch") as session:
            session.connection().exec_driver_sql(statement)


_TABLE: Final = (
    "CREATE TABLE app.chaos_move (job_id uuid, was text, became text, claim_no int,"
    " dispatch_no int, owner uuid, at timestamptz DEFAULT clock_timestamp())"
)
_WATCH: Final = (
    _TABLE,
    """CREATE FUNCTION app.note_move() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO app.chaos_move VALUES (NEW.id, OLD.state, NEW.state, NEW.claim_no,
          NEW.dispatch_no, NEW.lease_owner); RETURN NULL; END $$""",
    """CREATE TRIGGER note_move AFTER UPDATE ON app.job FOR EACH ROW
       WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION app.note_move()""",
)


@contextmanager
def running_simulator(folder: Path, latency_ms: float) -> Iterator[GroqSimulator]:
    """The simulated Groq in a process of its own, without limits."""
    argv = [sys.executable, "-m", "simulators.groq", "--latency-ms", str(latency_ms)]
    argv += ["--rpm", MANY, "--tpm", MANY, "--rpd", MANY]
    log = folder / "groq.log"
    spec = ProcessSpec(name="groq", argv=argv, env=pick_environ(), cwd=ROOT, log_path=log)
    program = Program(spec)
    program.start()
    try:
        assert wait_until(lambda: log.exists() and "http" in log.read_text(), timeout_s=START_S)
        yield GroqSimulator(next(w for w in log.read_text().split() if w.startswith("http")))
    finally:
        program.kill()
